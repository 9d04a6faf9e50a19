"""The steps of an incident as rows: what was done and verified, when, with what result. What repeats is one row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from watchdog_oom import formatting
from watchdog_oom.report import said
from watchdog_oom.report.model import NightAct, NightIncident
from watchdog_oom.report.words import exact

MOST_ROWS = 40
_ONE_BY_ONE = 6
_WORTH_TELLING_SECONDS = 1.0
_WORDS = {True: "done", False: "FAILED", None: "not known"}


@dataclass(frozen=True, slots=True)
class StepRow:
    """``state`` is in words: it must not be told by colour alone."""

    at: float
    time: str
    what: str
    result: str
    state: str
    took: str = ""


def step_rows(incident: NightIncident) -> tuple[StepRow, ...]:
    """In the order of time; more than ``MOST_ROWS`` are cut, and the last row says so."""
    rows = sorted((*_news_rows(incident), *_act_rows(incident)), key=lambda row: row.at)
    if len(rows) <= MOST_ROWS:
        return tuple(rows)
    rest = rows[MOST_ROWS - 1:]
    how = f"watchdog-oom audit --incident {incident.name}" if incident.name else \
        f"watchdog-oom audit --rule {incident.rule}"
    return (*rows[:MOST_ROWS - 1], StepRow(rest[0].at, rest[0].time, f"{len(rest)} more", how, ""))


def _act_rows(incident: NightIncident) -> Iterator[StepRow]:
    def kind(act: NightAct) -> tuple[str, str, bool | None]:
        return act.verb, said.process_name(act) or act.step, act.ok
    signals = [act for act in incident.acts if act.process is not None]
    repeated = len(signals) > _ONE_BY_ONE
    for act in incident.acts:
        if not (repeated and act.process is not None):
            yield _row(act)
    for (verb, name, _), group in groupby(sorted(signals, key=lambda act: str(kind(act))), kind) if repeated else ():
        acts = sorted(group, key=lambda act: act.at)
        if len(acts) == 1:
            yield _row(acts[0])
            continue
        until = f" until {exact(acts[-1].at)}" if acts[-1].at - acts[0].at >= 1 else ""
        yield StepRow(acts[0].at, exact(acts[0].at), f"{verb} {name}, {len(acts)} times{until}", acts[-1].result,
                      _state(acts[-1]))


def _row(act: NightAct) -> StepRow:
    took = act.took_seconds or 0.0
    return StepRow(act.at, exact(act.at), act.step, act.result or "no outcome is recorded", _state(act),
                   formatting.duration(took) if took >= _WORTH_TELLING_SECONDS else "")


def _state(act: NightAct) -> str:
    return _WORDS[act.ok] if act.ended is not None else "not known"


def _news_rows(incident: NightIncident) -> Iterator[StepRow]:
    for news in incident.news:
        state = {True: "verified", False: "FAILED", None: ""}[news.ok]
        took = news.took_seconds or 0.0
        yield StepRow(news.at, exact(news.at), news.step or "incident", news.words, state,
                      formatting.duration(took) if took >= _WORTH_TELLING_SECONDS else "")

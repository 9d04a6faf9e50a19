"""What a record says, taken from its keys: act, news.

Of its words only the first of ``result`` is read, as journal/told.py says; all are shown as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchdog_oom.journal.told import truth_of
from watchdog_oom.report.model import IncidentNews, NightAct
from watchdog_oom.report.words import safe

VERSION = 1
ONLY_TOLD = ("observed only", "reported", "outside its hours", "paused by")
OF_PROTECTION = "oom_score_adj"
_ENDING, _WAITING = ("TERM", "KILL"), ("STOP", "CONT")


def act_of(record: Mapping[str, Any], at: float) -> NightAct:
    """A record of an intent, or of an outcome whose intent is not in the time asked for, as an act without an end."""
    step = safe(record.get("step") or "")
    target = record.get("target")
    return NightAct(at, step.partition(" ")[0], step, text(record, "rule"), text(record, "incident"),
                    target if isinstance(target, dict) else {}, reasons(record))


def news_of(record: Mapping[str, Any], at: float) -> IncidentNews:
    return IncidentNews(at, text(record, "step"), text(record, "result"), truth_of(record), seconds(record))


def text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    return safe(value) if isinstance(value, str) else ""


def seconds(record: Mapping[str, Any]) -> float | None:
    value = record.get("took_s")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def reasons(record: Mapping[str, Any]) -> tuple[str, ...]:
    found = record.get("because")
    return tuple(safe(reason) for reason in found) if isinstance(found, list) else ()


def begins(words: str, *beginnings: str) -> bool:
    return words.startswith(beginnings)


def ends_process(act: NightAct) -> bool:
    return act.verb in _ENDING


def process_name(act: NightAct) -> str:
    """The name of the process it was done to. What a service has just started still has that service's name, which may
    be a path that the kernel cut: then the program that it runs tells more."""
    name, exe = text(act.target, "name"), text(act.target, "exe")
    return exe.rpartition("/")[2] or name if name.startswith("/") else name


def makes_wait(act: NightAct) -> bool:
    return act.verb in _WAITING

"""The records of a night put together: acts with their outcomes, incidents with their acts, and what else was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from watchdog_oom.journal.record import Kind
from watchdog_oom.journal.told import time_of, truth_of
from watchdog_oom.report import said
from watchdog_oom.report.gathering import GatheredIncident
from watchdog_oom.report.kernel_reports import MOST_TEXTS, KernelText
from watchdog_oom.report.model import NightAct, NightIncident

MOST_ACTS = 20_000
MOST_INCIDENTS = 500
TOGETHER_SECONDS = 600.0  # what one rule does outside of incidents is one story until it rested so long
CLOCK_SET_SECONDS = 30.0
_OF_THE_KERNEL = "kernel"  # its kills, which the daemon only tells
_OF_THE_DAEMON = frozenset(("", "daemon", "recorder", "memory", "kernel log"))  # what is no rule of a policy


class JournalDigest:
    """Takes records in their order. Bounded whatever a journal holds; what was left out is counted."""

    def __init__(self) -> None:
        self.records = 0
        self.left_out = 0
        self.newer: Counter[object] = Counter()
        self.said: list[tuple[float, Kind, Mapping[str, Any]]] = []
        self.of_daemon: list[tuple[float, str]] = []
        self.protected: dict[str, int] = {}
        self.rules: set[str] = set()
        self.clock_set: list[tuple[float, float]] = []
        self.dropped = 0
        self.damages: list[str] = []
        self.unclean_starts: set[float] = set()
        self.kernel_texts: list[KernelText] = []
        self.kernel_kills = 0
        self._last_kind = ""
        self._open: dict[str, tuple[GatheredIncident, int]] = {}
        self._incidents: dict[str, GatheredIncident] = {}
        self._acts = 0
        self._offsets: dict[str, float] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        at = time_of(record)
        if at is None:
            return
        self.records += 1
        if record.get("v") != said.VERSION:
            self.newer[record.get("v") if isinstance(record.get("v"), int | str) else "?"] += 1
        self._about_the_journal(record, at)
        kind = str(record.get("kind"))
        if kind == Kind.START and self._last_kind not in ("", Kind.STOP) and len(self.unclean_starts) < MOST_INCIDENTS:
            self.unclean_starts.add(at)
        self._last_kind = kind
        if kind in (Kind.INTENT, Kind.OUTCOME):
            self._act(record, at, kind)
        elif kind == Kind.INCIDENT:
            self._news(record, at)
        elif kind in set(Kind) and len(self.said) < MOST_ACTS:
            self.said.append((at, Kind(kind), record))

    def incidents(self) -> tuple[NightIncident, ...]:
        """In the order in which they began, without what only was about protection."""
        return tuple(sorted((gathered.built() for gathered in self._incidents.values()), key=lambda one: one.opened))

    def _about_the_journal(self, record: Mapping[str, Any], at: float) -> None:
        """What a record says about the journal itself, and whether the clock was set since the one before."""
        dropped, detail = record.get("dropped"), record.get("detail")
        self.dropped += dropped if isinstance(dropped, int) else 0
        if isinstance(detail, dict) and "damaged" in detail and len(self.damages) < 20:
            self.damages.append(said.text(detail, "damaged"))
        boot, mono = record.get("boot"), record.get("mono")
        if isinstance(boot, str) and isinstance(mono, int | float):
            moved = (at - mono) - self._offsets.get(boot, at - mono)
            if abs(moved) >= CLOCK_SET_SECONDS and len(self.clock_set) < 20:
                self.clock_set.append((at, moved))
            self._offsets = {boot: at - mono}

    def _act(self, record: Mapping[str, Any], at: float, kind: str) -> None:
        act = said.act_of(record, at)
        if act.verb == said.OF_PROTECTION:
            self._protects(act)
            return
        self.rules.add(act.rule)
        known = self._open.pop(str(record.get("id")), None) if kind == Kind.OUTCOME else None
        if known is not None:
            gathered, index = known
            gathered.acts[index] = _ended(gathered.acts[index], record, at)
            gathered.last = max(gathered.last, at)
        elif self._acts >= MOST_ACTS:
            self.left_out += 1
        else:
            self._begin(record, act, at, kind)

    def _begin(self, record: Mapping[str, Any], act: NightAct, at: float, kind: str) -> None:
        """An act as it begins; an outcome whose intent came before the time asked for, or which has none."""
        gathered = self._incident(act.incident, act.rule, at)
        if gathered is None:
            self.left_out += 1
            return
        self._acts += 1
        gathered.acts.append(act if kind == Kind.INTENT else _ended(act, record, at))
        gathered.last = max(gathered.last, at)
        if kind == Kind.INTENT and record.get("id"):
            self._open[str(record["id"])] = (gathered, len(gathered.acts) - 1)

    def _protects(self, act: NightAct) -> None:
        """The size of whom the daemon protects: who was never touched is told of the largest."""
        name, rss = act.target.get("name"), act.target.get("rss")
        if isinstance(name, str) and len(self.protected) < MOST_INCIDENTS:
            name = said.text(act.target, "name")
            self.protected[name] = max(self.protected.get(name, 0), rss if isinstance(rss, int) else 0)

    def _news(self, record: Mapping[str, Any], at: float) -> None:
        news = said.news_of(record, at)
        rule = said.text(record, "rule")
        if rule == _OF_THE_KERNEL:
            self._killed_by_kernel(record, at)
            return
        if rule in _OF_THE_DAEMON:
            self.of_daemon.append((at, "; ".join((news.words, *said.reasons(record)))))
            del self.of_daemon[200:]
            return
        self.rules.add(rule)
        gathered = self._incident(said.text(record, "incident"), rule, at)
        if gathered is None:
            self.left_out += 1
        else:
            gathered.tell(news, said.reasons(record))

    def _killed_by_kernel(self, record: Mapping[str, Any], at: float) -> None:
        """The kernel's own lines, and how many kills there were: of some only its counter tells."""
        lines = said.reasons(record)
        detail = record.get("detail")
        counts = detail.get("kernel_kills") if isinstance(detail, dict) else None
        known = [count for count in counts.values() if isinstance(count, int)] if isinstance(counts, dict) else []
        self.kernel_kills += sum(known) or len(lines)
        if lines and len(self.kernel_texts) < MOST_TEXTS:
            self.kernel_texts.append(KernelText(at, "\n".join(lines)))

    def _incident(self, name: str, rule: str, at: float) -> GatheredIncident | None:
        """The incident of that name, or the story of the rule that still goes on; ``None`` if there are too many."""
        key = name or f"\0{rule}"
        known = self._incidents.get(key)
        if known is not None and not name and at - known.last > TOGETHER_SECONDS:
            self._incidents[f"{key}\0{len(self._incidents)}"] = self._incidents.pop(key)
            known = None
        if known is None and len(self._incidents) < MOST_INCIDENTS:
            known = self._incidents[key] = GatheredIncident(name, rule, at, at)
        return known


def _ended(act: NightAct, record: Mapping[str, Any], at: float) -> NightAct:
    took = said.seconds(record)
    return replace(act, ended=at, ok=truth_of(record), result=said.text(record, "result"),
                   took_seconds=took if took is not None else max(0.0, at - act.at))


def digest_of(records: Iterable[Mapping[str, Any]]) -> JournalDigest:
    digest = JournalDigest()
    for record in records:
        digest.add(record)
    return digest

"""What the journal counts to within one boot, so that a restart of the daemon sets no counter back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from watchdog_oom.cli.status.values import Plain, map_of, number_of
from watchdog_oom.journal.reader import parse_record
from watchdog_oom.lean_dataclasses import dataclass, field

NO_RULE = "none"
RESULTS: Mapping[bool | None, str] = {True: "ok", False: "failed", None: "unknown"}
_EPISODES_KEPT = 1024  # incidents that may still be told of; more are not open at one time


@dataclass(slots=True)
class LossCount:
    """A count that the daemon keeps since its start, and tells in the journal later, or not at all before it ends:
    ``told`` is what the journal says of this daemon's life, ``earlier`` of all before it."""

    earlier: float = 0.0
    told: float = 0.0

    def begin_anew(self) -> None:
        self.earlier, self.told = self.earlier + self.told, 0.0

    def total(self, known_since_start: float) -> float:
        return self.earlier + max(self.told, known_since_start)


@dataclass(slots=True)
class Counts:
    """Keys are the values of the labels: rule and result, rule, spool and result, or constraint."""

    acts: Counter[tuple[str, str]] = field(default_factory=Counter)
    incidents: Counter[str] = field(default_factory=Counter)
    closed: Counter[tuple[str, str]] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    purges: Counter[tuple[str, str]] = field(default_factory=Counter)
    kernel_kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    late_rounds: int = 0
    rejected_policies: int = 0
    lost_records: LossCount = field(default_factory=LossCount)
    dropped_ticks: LossCount = field(default_factory=LossCount)
    lost_samples: LossCount = field(default_factory=LossCount)


class JournalCounts:
    """Counts the lines that it is handed, of one boot alone, oldest first."""

    def __init__(self, boot: str) -> None:
        self.counts = Counts()
        self._boot = f'"boot":"{boot}"'.encode("ascii", "replace")
        self._known: dict[str, None] = {}

    def add(self, lines: Iterable[bytes]) -> None:
        """Lines of other boots, and what is no record, count for nothing."""
        for line in lines:
            record = parse_record(line) if self._boot in line else None
            if record is not None:
                self._count(record)

    def _count(self, record: dict[str, Any]) -> None:
        counts, rule = self.counts, str(record.get("rule") or NO_RULE)
        self._opened(record, rule)
        match record["kind"]:
            case "start":
                counts.starts += 1
                for losses in (counts.lost_records, counts.dropped_ticks, counts.lost_samples):
                    losses.begin_anew()
            case "outcome":
                self._act(record, rule)
            case "refused":
                counts.refusals[rule] += 1
            case "late":
                counts.late_rounds += 1
            case "policy" if map_of(record, "detail").get("faults"):
                counts.rejected_policies += 1
            case "incident":
                self._told(record, rule)
        counts.lost_records.told += number_of(record, "dropped")

    def _opened(self, record: dict[str, Any], rule: str) -> None:
        """An incident counts when it is first named, whatever record of it was lost."""
        incident = record.get("incident")
        if isinstance(incident, str) and incident not in self._known:
            self.counts.incidents[rule] += 1
            self._known[incident] = None
            for oldest in tuple(self._known)[:-_EPISODES_KEPT]:
                del self._known[oldest]

    def _act(self, record: dict[str, Any], rule: str) -> None:
        """A purge has a second outcome, without a duration, when what it cleared is deleted: the same act."""
        target = map_of(record, "target")
        spool = target.get("spool")
        if spool is not None and record.get("took_s") is None:
            return
        result = _result(record)
        self.counts.acts[rule, result] += 1
        if spool is not None:
            self.counts.purges[str(spool), result] += 1

    def _told(self, record: dict[str, Any], rule: str) -> None:
        """What the daemon tells without doing anything. An incident's own record with an ``ok`` closes it."""
        counts, detail = self.counts, map_of(record, "detail")
        if record.get("incident") and record.get("step") is None and record.get("ok") is not None:
            counts.closed[rule, _result(record)] += 1
        for constraint, number in map_of(detail, "kernel_kills").items():
            counts.kernel_kills[constraint] += _whole(number)
        counts.dropped_ticks.told += number_of(detail, "dropped_ticks")
        counts.lost_samples.told += number_of(detail, "lost_samples")


def lost_since_start(status: Plain) -> tuple[float, float, float]:
    """What a running daemon knows of its losses, told or not: records, ticks and samples."""
    recorder = map_of(status, "recorder")
    return (number_of(map_of(status, "health"), "journal_dropped"), number_of(recorder, "dropped_ticks"),
            number_of(recorder, "lost_samples"))


def _result(record: Mapping[str, Any]) -> str:
    ok = record.get("ok")
    return RESULTS[ok if isinstance(ok, bool) else None]


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0

"""Conditions on the processes of a noun: how many, how large, how old."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom import formatting
from watchdog_oom.core.condition import Condition, Family, Finding, SnapshotView, threshold_bytes, verdict
from watchdog_oom.core.form import Form
from watchdog_oom.core.held_memory import together
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import Size
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any

UNREADABLE = Finding(False, "memory could not be read", known=False)


@dataclass(frozen=True, slots=True)
class ProcessesAre:
    """All given keys hold: those about one process (rss, runtime) for the same process, the others for the group."""

    noun: str
    count_above: int | None = None
    total_rss_above: Size | None = None
    rss_above: Size | None = None
    runtime_above: float | None = None

    def find(self, view: SnapshotView) -> Finding:
        group = view.matching(self.noun)
        findings = [finding for finding in (self._count(group), self._total(view, group), self._one(view, group))
                    if finding is not None]
        holds = verdict(findings)
        if not holds and view.undecided(self.noun):
            words = "it is not known yet whether some other processes match"
            return Finding(False, ", ".join((*(finding.words for finding in findings), words)), known=False)
        return Finding(holds is True, ", ".join(finding.words for finding in findings), known=holds is not None)

    def _count(self, group: tuple[Process, ...]) -> Finding | None:
        if self.count_above is None:
            return None
        return Finding(len(group) > self.count_above,
                       f"{len(group)} processes match {self.noun} (threshold {self.count_above})")

    def _total(self, view: SnapshotView, group: tuple[Process, ...]) -> Finding | None:
        if self.total_rss_above is None:
            return None
        threshold = threshold_bytes(view, self.total_rss_above)
        if threshold is None:
            return UNREADABLE
        held = together(group, threshold)
        return Finding(held.known and held.bytes > threshold,
                       f"{len(group)} processes of {self.noun} {held.words} (threshold {formatting.size(threshold)})",
                       known=held.known)

    def _one(self, view: SnapshotView, group: tuple[Process, ...]) -> Finding | None:
        if self.rss_above is None and self.runtime_above is None:
            return None
        rss = threshold_bytes(view, self.rss_above) if self.rss_above is not None else -1
        if rss is None:
            return UNREADABLE
        hits = [process for process in group if self._exceeds(view, process, rss)]
        if hits:
            more = f", and {len(hits) - 1} more" if hits[1:] else ""
            return Finding(True, f"{self._measure(view, hits[0], rss)}{more}")
        if not group:
            return Finding(False, f"no process matches {self.noun}")
        return Finding(False, f"of {len(group)} processes of {self.noun} none is above; the oldest: "
                              f"{self._measure(view, group[0], rss)}")

    def _exceeds(self, view: SnapshotView, process: Process, rss_bytes: float) -> bool:
        if process.rss_bytes <= rss_bytes:
            return False
        return self.runtime_above is None or process.age_seconds(view.snapshot.clock) > self.runtime_above

    def _measure(self, view: SnapshotView, process: Process, rss_bytes: float) -> str:
        parts = []
        if self.rss_above is not None:
            parts.append(f"holds {formatting.size(process.rss_bytes)} (threshold {formatting.size(rss_bytes)})")
        if self.runtime_above is not None:
            parts.append(f"has run for {formatting.duration(process.age_seconds(view.snapshot.clock))} "
                         f"(threshold {formatting.duration(self.runtime_above)})")
        return f"{process.label} {' and '.join(parts)}"


def _build(values: Mapping[str, Any]) -> Condition:
    return ProcessesAre(values["process"], **{key: value for key, value in values.items() if key != "process"})


FAMILY = Family(subject="process", build=_build, keys={
    "process": Form.PROCESS, "count_above": Form.COUNT, "total_rss_above": Form.SIZE,
    "rss_above": Form.SIZE, "runtime_above": Form.DURATION})

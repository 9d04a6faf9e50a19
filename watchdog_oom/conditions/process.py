"""Conditions on the processes of a noun: how many, how large, how old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watchdog_oom import words
from watchdog_oom.conditions import Condition, Family, Finding, Kind
from watchdog_oom.model import Process
from watchdog_oom.policy.types import Size
from watchdog_oom.steps import printable
from watchdog_oom.view import View


@dataclass(frozen=True, slots=True)
class ProcessesAre:
    """All given keys hold: those about one process (rss, runtime) for the same process, the others for the group."""

    noun: str
    count_above: int | None = None
    total_rss_above: Size | None = None
    rss_above: Size | None = None
    runtime_above: float | None = None

    def find(self, view: View) -> Finding:
        group = view.matching(self.noun)
        findings = [finding for finding in (self._count(group), self._total(view, group), self._one(view, group))
                    if finding is not None]
        return Finding(all(finding.holds for finding in findings), ", ".join(finding.words for finding in findings))

    def _count(self, group: tuple[Process, ...]) -> Finding | None:
        if self.count_above is None:
            return None
        return Finding(len(group) > self.count_above,
                       f"{len(group)} processes match {self.noun} (threshold {self.count_above})")

    def _total(self, view: View, group: tuple[Process, ...]) -> Finding | None:
        if self.total_rss_above is None:
            return None
        total = sum(process.rss_bytes for process in group)
        threshold = self.total_rss_above.of(_ram_bytes(view))
        return Finding(total > threshold, f"{len(group)} processes of {self.noun} hold {words.size(total)} "
                                          f"(threshold {words.size(threshold)})")

    def _one(self, view: View, group: tuple[Process, ...]) -> Finding | None:
        if self.rss_above is None and self.runtime_above is None:
            return None
        hits = [process for process in group if self._exceeds(view, process)]
        if hits:
            return Finding(True, f"{self._measure(view, hits[0])}{f', and {len(hits) - 1} more' if hits[1:] else ''}")
        if not group:
            return Finding(False, f"no process matches {self.noun}")
        return Finding(False, f"of {len(group)} processes of {self.noun} none is above; the oldest: "
                              f"{self._measure(view, group[0])}")

    def _exceeds(self, view: View, process: Process) -> bool:
        if self.rss_above is not None and process.rss_bytes <= self.rss_above.of(_ram_bytes(view)):
            return False
        return self.runtime_above is None or process.age_seconds(view.snapshot.clock) > self.runtime_above

    def _measure(self, view: View, process: Process) -> str:
        parts = []
        if self.rss_above is not None:
            parts.append(f"holds {words.size(process.rss_bytes)} "
                         f"(threshold {words.size(self.rss_above.of(_ram_bytes(view)))})")
        if self.runtime_above is not None:
            parts.append(f"runs for {words.duration(process.age_seconds(view.snapshot.clock))} "
                         f"(threshold {words.duration(self.runtime_above)})")
        return f"{printable(process.comm)}[{process.pid}] {' and '.join(parts)}"


def _ram_bytes(view: View) -> int:
    """RAM in bytes for percentages; without a reading nothing exceeds a percentage."""
    return view.snapshot.memory.total_bytes if view.snapshot.memory else 1 << 62


def _build(values: Mapping[str, Any]) -> Condition:
    return ProcessesAre(values["process"], **{key: value for key, value in values.items() if key != "process"})


FAMILY = Family(subject="process", build=_build, keys={
    "process": Kind.PROCESS, "count_above": Kind.COUNT, "total_rss_above": Kind.SIZE,
    "rss_above": Kind.SIZE, "runtime_above": Kind.DURATION})

"""Conditions on a spool directory: entries, bytes, age, and the space left on its filesystem."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom import formatting
from watchdog_oom.core.condition import Condition, Family, Finding, SnapshotView, verdict
from watchdog_oom.core.form import Form
from watchdog_oom.core.model import SpoolState
from watchdog_oom.core.nouns import Size
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any


@dataclass(frozen=True, slots=True)
class SpoolIs:
    """All given keys hold for the spool's last scan. A count of inodes is stored in ``Size.amount_bytes``.

    The figures of an unfinished scan are lower bounds: they can show that a threshold is exceeded, not that it is not.
    """

    spool: str
    entries_above: int | None = None
    size_above: Size | None = None
    oldest_above: float | None = None
    stale_above: int | None = None
    space_free_below: Size | None = None
    inodes_free_below: Size | None = None

    def find(self, view: SnapshotView) -> Finding:
        state = view.snapshot.spools.get(self.spool)
        if state is None:
            return Finding(False, f"spool {self.spool} has not been scanned yet", known=False)
        if state.problem is not None:
            return Finding(False, f"spool {self.spool}: {state.problem}", known=False)
        asked = (self._entries(state), self._size(state), self._oldest(state), self._stale(state), self._space(state),
                 self._inodes(state))
        findings = [finding for finding in asked if finding is not None]
        told = ", ".join(finding.words for finding in findings) + (f" ({state.gaps})" if state.gaps else "")
        holds = verdict(findings)
        return Finding(holds is True, f"spool {self.spool}: {told}", known=holds is not None)

    def _entries(self, state: SpoolState) -> Finding | None:
        if self.entries_above is None:
            return None
        return _growing(state, state.entries > self.entries_above,
                        f"{_bound(state)}{state.entries} entries (threshold {self.entries_above})")

    def _size(self, state: SpoolState) -> Finding | None:
        if self.size_above is None:
            return None
        threshold = self.size_above.of(state.space_total_bytes)
        return _growing(state, state.size_bytes > threshold,
                        f"{_bound(state)}{formatting.size(state.size_bytes)} (threshold {formatting.size(threshold)})")

    def _oldest(self, state: SpoolState) -> Finding | None:
        if self.oldest_above is None:
            return None
        return _growing(state, state.oldest_seconds > self.oldest_above,
                         f"the oldest entry is {_bound(state)}{formatting.duration(state.oldest_seconds)} old "
                         f"(threshold {formatting.duration(self.oldest_above)})")

    def _stale(self, state: SpoolState) -> Finding | None:
        if self.stale_above is None:
            return None
        return _growing(state, state.stale > self.stale_above,
                        f"{_bound(state)}{state.stale} stale entries (threshold {self.stale_above})")

    def _space(self, state: SpoolState) -> Finding | None:
        if self.space_free_below is None:
            return None
        threshold = self.space_free_below.of(state.space_total_bytes)
        return Finding(state.space_free_bytes < threshold,
                       f"{formatting.size(state.space_free_bytes)} free (threshold {formatting.size(threshold)})")

    def _inodes(self, state: SpoolState) -> Finding | None:
        if self.inodes_free_below is None:
            return None
        if state.inodes_total == 0:
            return Finding(False, "its filesystem does not count inodes")
        threshold = self.inodes_free_below.of(state.inodes_total)
        return Finding(state.inodes_free < threshold, f"{state.inodes_free} inodes free (threshold {threshold:.0f})")


def _bound(state: SpoolState) -> str:
    return "" if state.complete else "at least "


def _growing(state: SpoolState, holds: bool, words: str) -> Finding:
    """A figure that can only grow while a scan goes on."""
    return Finding(holds, words, known=holds or state.finished)


def _build(values: Mapping[str, Any]) -> Condition:
    return SpoolIs(values["spool"], **{key: value for key, value in values.items() if key != "spool"})


FAMILY = Family(subject="spool", build=_build, keys={
    "spool": Form.SPOOL, "entries_above": Form.COUNT, "size_above": Form.SIZE,
    "oldest_above": Form.DURATION, "stale_above": Form.COUNT, "space_free_below": Form.SIZE,
    "inodes_free_below": Form.SIZE_OR_COUNT})

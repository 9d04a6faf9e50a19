"""Owns the figures of one scan as they grow, and how they are told before and after its end."""

from __future__ import annotations

import os

from watchdog_oom.core.model import SpoolState
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass

_LONGEST_GAP = 200


@dataclass(slots=True)
class Totals:
    """``listed`` is how many entries the directory itself showed, known long before each was judged."""

    stale_after_seconds: float
    room: os.statvfs_result | None = None
    listed: int = 0
    entries: int = 0
    stale: int = 0
    size_bytes: int = 0
    oldest_seconds: float = 0.0
    gaps: int = 0
    first_gap: str = ""

    def count(self, age_seconds: float | None, size_bytes: int, gap: str | None = None) -> None:
        """One entry; without an age where no purge would take it, or where its age could not be found out."""
        self.entries += 1
        self.size_bytes += size_bytes
        if gap is not None:
            self.gap(gap)
        if age_seconds is not None:
            self.stale += age_seconds > self.stale_after_seconds
            self.oldest_seconds = max(self.oldest_seconds, age_seconds)

    def gap(self, words: str) -> None:
        """Something that the figures leave out; the first is told with its name."""
        self.gaps += 1
        self.first_gap = self.first_gap or printable(words)[:_LONGEST_GAP]

    def state(self, began_boottime: float, *, finished: bool) -> SpoolState:
        room = self.room
        return SpoolState(
            scanned_boottime=began_boottime, entries=max(self.entries, self.listed), stale=self.stale,
            size_bytes=self.size_bytes, oldest_seconds=self.oldest_seconds,
            space_free_bytes=room.f_bavail * room.f_frsize if room else 0,
            space_total_bytes=room.f_blocks * room.f_frsize if room else 0,
            inodes_free=room.f_favail if room else 0, inodes_total=room.f_files if room else 0,
            complete=finished and not self.gaps, finished=finished, gaps=self._words(finished=finished))

    def _words(self, *, finished: bool) -> str | None:
        more = f", and {self.gaps - 1} more entries like it" if self.gaps > 1 else ""
        left_out = f"not counted in full: {self.first_gap}{more}" if self.gaps else None
        if finished:
            return left_out
        so_far = f"{self.entries} of {max(self.entries, self.listed)} entries were looked at so far"
        return f"{so_far}; {left_out}" if left_out else so_far

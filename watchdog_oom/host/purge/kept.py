"""Owns the count of entries that a purge keeps, by the reason that its outcome names."""

from __future__ import annotations

import stat

from watchdog_oom.host.purge.messages import MOST_EXAMPLES, example
from watchdog_oom.host.spools.survey import CHANGED, MOUNTED, Tally


class Kept:
    """``counts`` are fields of ``Cleared``; ``examples`` describe entries that fit none of these reasons."""

    def __init__(self, owner_uid: int) -> None:
        self._owner_uid = owner_uid
        self.counts: dict[str, int] = {}
        self.examples: list[str] = []

    def count(self, reason: str) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1

    def judged(self, name: str, tally: Tally) -> None:
        """An entry with an obstacle: what it is decides first, then what was met inside."""
        mode = tally.top.st_mode if tally.top is not None else 0
        if stat.S_ISLNK(mode):
            self.count("kept_links")
        elif mode and not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
            self.count("kept_special")
        elif tally.top is not None and tally.top.st_uid != self._owner_uid:
            self.count("kept_foreign")
        elif tally.obstacle == MOUNTED:
            self.count("kept_mounted")
        elif tally.obstacle == CHANGED:
            self.count("kept_changed")
        else:
            self.note(name, tally.obstacle or "")

    def note(self, name: str, why: str) -> None:
        """An entry that stays for a reason of its own."""
        self.count("kept_other")
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(example(name, why))

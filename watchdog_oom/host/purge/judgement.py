"""Owns how a purge judges one entry, and tells whether it is still the very one that was judged."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from watchdog_oom.host.spools.survey import Tally, Terms, exhaust, survey


def judge(base_fd: int, name: str, terms: Terms, alive: Callable[[], None]) -> Tally:
    """Look at the whole entry, never from memory; ``alive`` is called as it goes on."""
    tally = Tally(terms)
    exhaust(survey(base_fd, name, tally, terms), alive)
    alive()
    return tally


class PlainFiles:
    """Says of a plain file in one step what ``judge`` would say in many: a spool may be flat, with 100,000 of them.

    Only "stale and free" is said here, and only where every clock agrees on it; everything else is left to ``judge``.
    """

    __slots__ = ("_before_ns", "_moved", "_owner_uid", "_used")

    def __init__(self, terms: Terms, stale_after_seconds: float) -> None:
        self._owner_uid = terms.owner_uid
        self._used = terms.used
        self._moved = terms.moved
        self._before_ns = terms.readings_ns[0] - int(stale_after_seconds * 1e9)

    def stale_and_free(self, found: os.stat_result) -> bool:
        """Whether this is a plain file of the owner, used by nobody, with no stamp that any clock takes for fresh."""
        return (stat.S_ISREG(found.st_mode) and found.st_uid == self._owner_uid and found.st_ino not in self._used
                and found.st_mtime_ns < self._before_ns and (self._moved or found.st_ctime_ns < self._before_ns))


def is_same(found: os.stat_result, judged: os.stat_result, *, with_ctime: bool = False) -> bool:
    """Whether it is the very entry that was judged. A rename sets the ctime, so that is compared only after it."""
    return (found.st_ino == judged.st_ino and found.st_dev == judged.st_dev
            and found.st_mtime_ns == judged.st_mtime_ns and found.st_size == judged.st_size
            and found.st_mode == judged.st_mode and found.st_uid == judged.st_uid and found.st_gid == judged.st_gid
            and (not with_ctime or found.st_ctime_ns == judged.st_ctime_ns))

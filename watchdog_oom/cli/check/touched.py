"""Entries of a spool that look old but are not: anybody can set a file's times, but not its change time (inode(7)).

Whoever tries a policy with ``touch -d`` is told why nothing is stale yet.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice

from watchdog_oom import formatting
from watchdog_oom.core.model import Clock, SpoolState
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.spools.names import entry_matcher

_MOST_LOOKED_AT = 200


def touched_hints(spools: Iterable[tuple[SpoolNoun, SpoolState]], clock: Clock) -> tuple[str, ...]:
    """A note for each spool in which nothing is stale though some of its first entries have an old time."""
    hints = []
    for noun, state in spools:
        count = 0 if state.problem is not None or state.stale else _touched(noun, clock)
        if count:
            shorter = f"wait {formatting.duration(noun.stale_after_seconds)}, or try it with a shorter stale_after"
            hints.append(f"spool {noun.name}: {count} entries or more have an old date and are not stale: age counts "
                         f"from the last change of any kind, and touch -d is one; {shorter}")
    return tuple(hints)


def _touched(noun: SpoolNoun, clock: Clock) -> int:
    matches = entry_matcher(noun.entries)
    count = 0
    with suppress(OSError), os.scandir(noun.path) as entries:
        for entry in islice((entry for entry in entries if matches(entry.name)), _MOST_LOOKED_AT):
            with suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                old = clock.age_of_stamp(found.st_mtime) > noun.stale_after_seconds
                count += old and clock.age_of_stamp(found.st_ctime) <= noun.stale_after_seconds
    return count

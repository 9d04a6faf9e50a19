"""Owns which names in a spool count as entries, and what our own trash directories are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from watchdog_oom.core.glob import glob_pattern

TRASH_PREFIX = ".watchdog-oom-trash."


def entry_matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Whether a name is an entry: some glob matches it in full. As in a shell, a leading dot is matched only by a glob
    that begins with a dot; a trash directory of ours never is an entry."""
    patterns = [(glob.startswith("."), glob_pattern(glob)) for glob in globs]

    def matches(name: str) -> bool:
        hidden = name.startswith(".")
        if hidden and name.startswith(TRASH_PREFIX):
            return False
        for for_hidden, pattern in patterns:  # noqa: SIM110 - any() would take twice as long, for each of 100,000 names
            if (for_hidden or not hidden) and pattern.fullmatch(name):
                return True
        return False

    return matches


def trash_prefix_of(spool_inode: int) -> str:
    """How the trash of one spool begins: two spools may share the directory in which their trash stands."""
    return f"{TRASH_PREFIX}{spool_inode:x}."

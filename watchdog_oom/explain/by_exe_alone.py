"""Which rules protect whoever runs a program: said, because any user can run one with code of his own in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from watchdog_oom.core.policy import Policy


def by_exe_alone_words(policy: Policy) -> Iterator[str]:
    """One line for all ``protect`` whose noun says nothing of its user, unit or parent."""
    found = [f"protect.{protect.name}" for protect in policy.protects.values()
             if (noun := policy.processes[protect.process]).exe and not (noun.user or noun.unit or noun.parent)]
    if found:
        yield (f"{', '.join(found)}: only the program selects, and any user can start it with a library of his own in "
               f"it (LD_PRELOAD) to be protected; user or unit prevents that")

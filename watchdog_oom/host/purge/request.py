"""Owns what the daemon asks of a purge, and the limits of every one."""

from __future__ import annotations

from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.lean_dataclasses import dataclass

MOST_ENTRIES = 200_000  # Law 3: whatever policies say; about 500 bytes of the worker's memory each
STALLED_SECONDS = 30.0  # no single look at a file takes this long, not even on a starved host
WITHIN_SECONDS = 300.0
PATIENCE_SECONDS = 1.0  # for one process that is asked what it uses


@dataclass(frozen=True, slots=True)
class PurgeRequest:
    """One purge: the spool, the most entries it may take (0: it only settles what an earlier one left), and the clock
    offsets seen since the daemon started (see ``Clock``), so that a jump of the date makes nothing stale.

    The spool must be cleared after ``within_seconds``; deleting may take longer, but not stand still for
    ``stalled_seconds``. ``search`` asks only what is left of earlier purges. ``gently``: one process, of low
    priority, works a quarter of the time.
    """

    noun: SpoolNoun
    limit: int = MOST_ENTRIES
    offsets: tuple[float, ...] = ()
    proc_root: str = "/proc"
    within_seconds: float = WITHIN_SECONDS
    stalled_seconds: float = STALLED_SECONDS
    patience_seconds: float = PATIENCE_SECONDS
    search: bool = False
    gently: bool = False

    @property
    def allowed(self) -> int:
        """The most entries this run may take: the smallest of the policy's, the plan's and our own limit (Law 3)."""
        wanted = self.limit if self.noun.limit is None else min(self.limit, self.noun.limit)
        return max(0, min(wanted, MOST_ENTRIES))

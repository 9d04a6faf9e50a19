"""Memory that processes hold together: a page that several of them share counts once.

Known best from their shares (PSS). Where those cannot be had, it is estimated as the anonymous memory of each, and the
largest shared part of one of them: right for a mapping that all of them share, too much for memory that is shared since
a fork, which the kernel counts as anonymous of each, and too little where they share different things with others.
"""

from __future__ import annotations

from collections.abc import Iterable

from watchdog_oom import formatting
from watchdog_oom.core.memory import Sharing
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Limit, Then
from watchdog_oom.lean_dataclasses import dataclass

CALM_SHARE = 0.8   # of total_rss: a contained unit that holds no more is calm
TIGHT_SHARE = 0.5  # of total_rss: a queue of processes that hold no more has room, whatever they share
_NOT_READ = Sharing()


@dataclass(frozen=True, slots=True)
class Together:
    """How much, and ``how`` that was found out, in words: none if each was just counted alone. It is not ``known``
    while shares are awaited."""

    bytes: int
    how: str = ""
    known: bool = True

    @property
    def words(self) -> str:
        return f"hold {formatting.size(self.bytes)}" + (f" together, {self.how}" if self.how else "")


def together(processes: Iterable[Process], above: float) -> Together:
    """What they hold. It matters whether that is more than ``above``: what is not, even counted one by one, is told as
    it is. Never less than the largest holds alone, never more than all hold one by one."""
    group = tuple(processes)
    plain = sum(process.rss_bytes for process in group)
    if plain <= above or len(group) < 2 or all(process.sharing is None for process in group):
        return Together(plain)
    if any(process.sharing is not None and process.sharing.awaited for process in group):
        return Together(plain, "each counted alone: what they share is not known yet", known=False)
    unknown = [process for process in group if _pss_bytes(process) is None]
    by_shares = sum(_pss_bytes(process) or 0 for process in group) + _estimate(unknown)
    estimate = _estimate(group)
    largest = max(process.rss_bytes for process in group)
    held = min(max(by_shares if not unknown else min(by_shares, estimate), largest), plain)
    if not unknown:
        return Together(held, "shared pages counted once")
    if len(unknown) == len(group) and held == plain:
        return Together(held, "each counted alone: what they share could not be read")
    some = f" for {len(unknown)} of them" if by_shares < estimate else ""
    return Together(held, f"estimated{some} by anonymous memory, where what forks share counts for each of them, and "
                          "the largest shared part")


def held_one_by_one(processes: Iterable[Process]) -> dict[ProcessId, int]:
    """What each holds: its share, where the shares of all are known, else what it shows, so that like is compared."""
    group = list(processes)
    shares = {process.id: _pss_bytes(process) for process in group}
    known = {identity: share for identity, share in shares.items() if share is not None}
    return known if len(known) == len(group) else {process.id: process.rss_bytes for process in group}


def matters_from(limit: Limit) -> Size | None:
    """The sum, counted one by one, beyond which the limit asks what its processes share; ``None``: it never does."""
    if limit.total_rss is None:
        return None
    return limit.total_rss.scaled({Then.CONTAIN: CALM_SHARE, Then.FREEZE: TIGHT_SHARE}.get(limit.then, 1.0))


def _pss_bytes(process: Process) -> int | None:
    return process.sharing.pss_bytes if process.sharing is not None else None


def _estimate(processes: Iterable[Process]) -> int:
    """The anonymous memory of each, and the largest part that is not; what is not known of counts as anonymous."""
    anonymous = largest_shared = 0
    for process in processes:
        known = (process.sharing or _NOT_READ).anonymous_bytes
        own = process.rss_bytes if known is None else min(known, process.rss_bytes)
        anonymous += own
        largest_shared = max(largest_shared, process.rss_bytes - own)
    return anonymous + largest_shared

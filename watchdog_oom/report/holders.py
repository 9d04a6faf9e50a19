"""Who held memory at the worst moment, and how that had grown."""

from __future__ import annotations

from watchdog_oom.report.model import Decline, HostHistory, MemoryHolder, NameFacts, NameTotal

MOST_HOLDERS = 10
_NOBODY = NameTotal(0, 0, 0)


def holders_of(history: HostHistory, fall: Decline | None) -> tuple[MemoryHolder, ...]:
    """By name, those that held most first. Shared memory counts in each process that maps it, so that shares may come
    to more than the whole."""
    if fall is None:
        return ()
    total = fall.worst.total_bytes
    found = []
    for name, now in fall.worst.by_name.items():
        then = fall.before.by_name.get(name, _NOBODY)
        share = 100.0 * now.rss_bytes / total if total else None
        found.append(MemoryHolder(name, now.count, now.held_bytes, share, then.count, then.held_bytes,
                                  history.facts.get(name, NameFacts())))
    return tuple(sorted(found, key=lambda holder: -holder.held_bytes)[:MOST_HOLDERS])


def who_grew(history: HostHistory, fall: Decline | None) -> MemoryHolder | None:
    """The name that took most of what went, if it took a good part of it."""
    if fall is None or not fall.is_real:
        return None
    grown = max(holders_of(history, fall), key=lambda holder: holder.grown_bytes, default=None)
    return grown if grown is not None and grown.grown_bytes >= 0.2 * fall.lost_bytes else None

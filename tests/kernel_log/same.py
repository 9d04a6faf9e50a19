"""What must be the same of an event, whatever log it stands in."""

from __future__ import annotations

from watchdog_oom.kernel_log.model import Event
from watchdog_oom.lean_dataclasses import replace


def facts(event: Event) -> Event:
    """The event without what its container adds: times and places."""
    return replace(event, time=None, first_line=0, last_line=0,
                   kills=tuple(replace(kill, time=None) for kill in event.kills),
                   reaped=tuple(replace(one, time=None) for one in event.reaped),
                   chosen=tuple(replace(one, time=None) for one in event.chosen),
                   failed_allocations=tuple(replace(one, time=None) for one in event.failed_allocations),
                   summary=replace(event.summary, time=None) if event.summary else None)

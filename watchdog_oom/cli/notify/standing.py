"""How the notifier stands, for ``status``: written by one process, read by another that believes none of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watchdog_oom.cli.notify.book import NotifyBook, TargetHealth
from watchdog_oom.cli.notify.schedule import ClockReading, held_back, waiting
from watchdog_oom.cli.notify.settings import NotifySettings

VERSION = 1


def standing_of(book: NotifyBook, settings: NotifySettings, clock: ClockReading, pid: int,
                troubles: Sequence[str]) -> dict[str, Any]:
    """The content of the status file."""
    targets = {}
    for target in settings.targets:
        health = book.targets.get(target.name, TargetHealth())
        cases = waiting(book, target, settings, clock.now)
        targets[target.name] = {
            "waiting": len(cases), "oldest": min((case.opened for case in cases), default=None),
            "held_back": held_back(health, target, settings, clock, urgent=False) if cases else "",
            "failures": health.failures, "failing_since": health.failing_since, "last_error": health.last_error,
            "next_try": health.next_try if health.failures else None, "last_sent": health.last_sent}
    return {"v": VERSION, "pid": pid, "written": clock.now, "troubles": [*settings.doubts, *troubles],
            "targets": targets}

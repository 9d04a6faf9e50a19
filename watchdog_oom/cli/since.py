"""Times as people write them: ``2h``, ``yesterday``, ``boot``, ``2026-03-01T04:00Z``. For the commands only."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from watchdog_oom.errors import UsageError
from watchdog_oom.policy.units import parse_duration


def parse_since(text: str, *, wall: float | None = None, boottime: float | None = None) -> float:
    """Seconds since the epoch. A date or time without a zone is local; a duration counts back from now.

    ``wall`` and ``boottime`` are the current time, read from the clocks if not given. Raises UsageError.
    """
    wall = time.time() if wall is None else wall
    word = text.strip()
    today = datetime.fromtimestamp(wall).replace(hour=0, minute=0, second=0, microsecond=0)
    match word.lower():
        case "now":
            return wall
        case "today":
            return today.timestamp()
        case "yesterday":
            return (today - timedelta(days=1)).timestamp()
        case "boot":
            return wall - boottime if boottime is not None else _boot_time()
    try:
        return wall - parse_duration(word.removesuffix("ago").strip())
    except ValueError:
        return _date(word, text)


def _boot_time() -> float:
    import psutil  # only who asks for it pays for it
    return psutil.boot_time()


def _date(word: str, text: str) -> float:
    try:
        return datetime.fromisoformat(word).timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{text!r} is not a time: write it like 2h, 30min, 1d, today, yesterday, boot, "
                         "2026-03-01 or 2026-03-01T04:00:00Z") from None

"""Times as people write them: ``2h``, ``12:45``, ``yesterday 03:12``, ``boot``. The one parser of the commands."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta

from watchdog_oom.errors import UsageError
from watchdog_oom.policy.units import parse_duration

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DAYS_AGO = {"today": 0, "yesterday": 1}


def parse_since(text: str, *, wall: float | None = None, boottime: float | None = None) -> float:
    """Seconds since the epoch. A date or time without a zone is local; a duration counts back from now; a time of day
    alone is the last one that has been.

    ``wall`` and ``boottime`` are the current time, read from the clocks if not given. Raises UsageError.
    """
    wall = time.time() if wall is None else wall
    word = text.strip()
    if word.lower() == "now":
        return wall
    if word.lower() == "boot":
        return wall - boottime if boottime is not None else _boot_time()
    named = _named_day(word.lower(), wall)
    if named is not None:
        return named
    try:
        return wall - parse_duration(word.removeprefix("-").removesuffix("ago").strip())
    except ValueError:
        return _date(word, text)


def _named_day(word: str, wall: float) -> float | None:
    """``today``, ``yesterday``, each with a time of day or from its beginning; or a time of day alone."""
    first, _, rest = word.partition(" ")
    if first not in _DAYS_AGO:
        moment = _at(word, wall, days_ago=0)
        return moment if moment is None or moment <= wall else _at(word, wall, days_ago=1)
    return _at(rest.strip() or "00:00", wall, days_ago=_DAYS_AGO[first])


def _at(clock: str, wall: float, *, days_ago: int) -> float | None:
    """A time of day of a day; ``None`` if it is none."""
    found = _CLOCK.fullmatch(clock)
    if found is None:
        return None
    hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        day = datetime.fromtimestamp(wall) - timedelta(days=days_ago)
        return day.replace(hour=hour, minute=minute, second=second, microsecond=0, fold=0).timestamp()
    except ValueError:
        return None


def _boot_time() -> float:
    import psutil  # only who asks for it pays for it
    return psutil.boot_time()


def _date(word: str, text: str) -> float:
    try:
        return datetime.fromisoformat(word).timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{text!r} is not a time: write it like 2h, 30min, 1d, 12:45, today, yesterday 03:12, boot, "
                         "2026-03-01 or 2026-03-01T04:00:00Z") from None

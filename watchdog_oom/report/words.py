"""Words of the report: times, numbers, names in the plural, lists."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence

from watchdog_oom.formatting import printable
from watchdog_oom.report.model import NightSpan

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_KNOWN = {"mariadbd": "MariaDB", "mysqld": "MySQL", "postgres": "PostgreSQL", "mongod": "MongoDB",
          "redis-server": "Redis", "slapd": "OpenLDAP"}
_DAY_SECONDS = 86400
_LONGEST_NAME = 80


def clock(wall: float, span: NightSpan | None = None) -> str:
    """A local time to the minute; with the day of the week where the time alone would not tell which day is meant."""
    form = "%a %H:%M" if span is not None and span.until - span.since > _DAY_SECONDS * 1.1 else "%H:%M"
    return _local(wall, form)


def exact(wall: float) -> str:
    return _local(wall, "%H:%M:%S")


def day_and_time(wall: float) -> str:
    return _local(wall, "%a %Y-%m-%d %H:%M")


def number(amount: int) -> str:
    return _NUMBERS[amount] if 0 <= amount < len(_NUMBERS) else f"{amount:,}"


def several(amount: int, name: str) -> str:
    """``five clamscans``, ``one clamscan``; a name that is no word is not bent: ``5 x a)b``."""
    if not re.fullmatch(r"[A-Za-z][\w.+-]*", name):
        return f"{amount} × {name}"
    return f"{number(amount)} {name}{'' if amount == 1 or name.endswith('s') else 's'}"


def listed(parts: Iterable[str], most: int = 4) -> str:
    """``a``, ``a and b``, ``a, b and c``, ``a, b, c and 4 more``."""
    found = list(parts)
    if len(found) > most:
        found = [*found[:most - 1], f"{len(found) - most + 1} more"]
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} and {found[-1]}"


def service_name(unit: str) -> str:
    return unit.removesuffix(".service")


def known_name(name: str) -> str:
    """The name by which people know a program."""
    return _KNOWN.get(name, name)


def is_database(name: str) -> bool:
    return name in _KNOWN


def safe(value: object) -> str:
    """A text out of a record or a sample, as it may be shown anywhere; a long one is cut."""
    text = printable(str(value))
    return text if len(text) <= _LONGEST_NAME * 5 else f"{text[:_LONGEST_NAME * 5]}…"


def safe_name(value: object) -> str:
    text = printable(str(value))
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"


def capital(words: str) -> str:
    """The words with a first letter in capitals, unless they begin with a path or the name of a rule."""
    first = words.partition(" ")[0]
    return f"{words[:1].upper()}{words[1:]}" if first.isalpha() else words


def sentence_of(clauses: Sequence[str]) -> str:
    """Clauses as one sentence."""
    text = "; ".join(clause for clause in clauses if clause)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _local(wall: float, form: str) -> str:
    try:
        return time.strftime(form, time.localtime(wall))
    except (ValueError, OverflowError, OSError):
        return "an unknown time"

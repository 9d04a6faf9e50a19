"""Times as logs write them, in any language, and how many seconds they mean."""

from __future__ import annotations

import re
from functools import lru_cache

from watchdog_oom.kernel_log.model import Stamp

_DAY = 86400
_OFFSET = r"(?P<offset>Z|UTC|GMT|[+-]\d\d:?\d\d)?"
_ISO = re.compile(r"(?P<year>\d{4})[-/](?P<month>\d\d)[-/](?P<day>\d\d)[T ]"
                  r"(?P<clock>\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?) ?" + _OFFSET)
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_WORD = re.compile(r"\d{1,2}[月월]|[^\W\d_]+|\d+")

# The beginning of a month's name: English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian …
_MONTHS = (
    ("jan", "ene", "gen", "sty", "янв", "1月"), ("feb", "fév", "fev", "lut", "фев", "2月"),
    ("mar", "mär", "mrz", "mrt", "мар", "3月"), ("apr", "avr", "abr", "kwi", "апр", "4月"),
    ("may", "mai", "mag", "mei", "maj", "май", "мая", "5月"), ("jun", "juin", "giu", "cze", "июн", "6月"),
    ("jul", "juil", "lug", "lip", "июл", "7月"), ("aug", "aoû", "ago", "sie", "авг", "8月"),
    ("sep", "set", "wrz", "сен", "9月"), ("oct", "okt", "ott", "out", "paź", "окт", "10月"),
    ("nov", "lis", "ноя", "11月"), ("dec", "dez", "déc", "dic", "gru", "дек", "12月"),
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1)
          for name in (*names, f"{number}월")}


def boot_stamp(text: str) -> Stamp:
    """Seconds since boot, ``139.201253``."""
    return Stamp(text, _number(text), "boot")


def microseconds_stamp(text: str) -> Stamp:
    """The third field of a /dev/kmsg record: microseconds since boot."""
    number = _number(text)
    return Stamp(text, None if number is None else number / 1e6, "boot")


def unix_stamp(text: str) -> Stamp:
    """Seconds since 1970, or microseconds as the journal counts them."""
    number = _number(text)
    if number is not None and number > 1e12:
        number /= 1e6
    return Stamp(text, number, "unix")


@lru_cache(maxsize=16)  # the lines of a report are of the same second
def calendar_stamp(text: str) -> Stamp:
    """A date and a time of day in whatever order; without a zone it is taken as UTC."""
    if iso := _ISO.search(text):
        days = _days(int(iso["year"]), int(iso["month"]), int(iso["day"]))
        return Stamp(text, days * _DAY + _of_day(iso["clock"]) - _east(iso["offset"]), "unix")
    clock = _CLOCK.search(text)
    rest = text.replace(clock[0], " ") if clock else text
    year = _YEAR.search(rest)
    month, day = _month_and_day(_YEAR.sub(" ", rest))
    if clock is None or month is None or day is None:
        return Stamp(text, None, "unix" if year else "yearless")
    days = _days(int(year[0]), month, day) if year else _days(1972, month, day) - _days(1972, 1, 1)
    return Stamp(text, days * _DAY + _of_day(clock[0]), "unix" if year else "yearless")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _month_and_day(text: str) -> tuple[int | None, int | None]:
    month: int | None = None
    day: int | None = None
    for word in _WORD.findall(text.lower()):
        if word.isdecimal():
            day = int(word) if day is None and int(word) <= 31 else day
        else:  # the last one counts: "mar" is a weekday in French and Italian
            month = _MONTH.get(word) or _MONTH.get(word[:4]) or _MONTH.get(word[:3]) or month
    return month, day


def _of_day(clock: str) -> float:
    hours, minutes, *seconds = clock.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + (float(seconds[0]) if seconds else 0.0)


def _east(offset: str | None) -> int:
    """Seconds east of Greenwich."""
    if not offset or offset[0] not in "+-":
        return 0
    digits = offset[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if offset[0] == "-" else seconds


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar (years begin in March, so that leap days come last)."""
    year -= month <= 2
    month += 12 if month <= 2 else 0
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 1 - 719468


def may_be_one(one: Stamp | None, other: Stamp | None, apart_seconds: float) -> bool:
    """Whether both may mean the same moment, so many seconds apart at most; so they may where it cannot be told."""
    if one is None or other is None or one.clock != other.clock:
        return True
    if one.seconds is None or other.seconds is None:
        return one.text == other.text
    return abs(one.seconds - other.seconds) <= apart_seconds

"""Text to value and back: sizes, durations, percentages, hours, addresses. Every ValueError is written for people.

Values are primitives that ``marshal`` can carry: a size is ``("bytes", n)`` or ``("percent", p)``, a duration float
seconds, hours two minutes of the day, an address host and port.
"""

from __future__ import annotations

import re
import socket

from watchdog_oom.lean_typing import TypeAlias

SizeValue: TypeAlias = tuple[str, int | float]

_SIZE_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
               "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BINARY_UNITS = ("TiB", "GiB", "MiB", "KiB", "B")
_LARGEST_SIZE_BYTES = 1 << 59
_SPANS_MS = {"d": 86_400_000, "h": 3_600_000, "min": 60_000, "s": 1_000, "ms": 1}
_LONGEST_MS = 3650 * _SPANS_MS["d"]
_NUMBER = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))?\s*([A-Za-z%]*)")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)\s*%")
_SPAN = re.compile(r"\s*([0-9]{1,12})(?:\.([0-9]{1,3}))?\s*([A-Za-z]+)\s*")
_HOURS = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*-\s*([0-9]{1,2}):([0-9]{2})")
_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9](?:[A-Za-z0-9._-]*)?)):([0-9]{1,5})")
_DAY_MINUTES = 24 * 60


def parse_size(text: str) -> SizeValue:
    """``"400MiB"`` → ``("bytes", 419430400)``; ``"10%"`` → ``("percent", 10.0)``. Fractions of a byte are dropped."""
    if text.endswith("%"):
        return ("percent", parse_percent(text))
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is not a size: write it like "400MiB", "2GiB" or "10%"')
    whole, fraction, unit = found[1], found[2] or "", found[3]
    if unit not in _SIZE_UNITS:
        raise ValueError(_wrong_size_unit(text, text.removesuffix(unit).strip(), unit))
    amount_bytes = int(whole + fraction) * _SIZE_UNITS[unit] // 10**len(fraction)
    if amount_bytes > _LARGEST_SIZE_BYTES:
        raise ValueError(f'"{text}" is more than any machine has')
    return ("bytes", amount_bytes)


def _wrong_size_unit(text: str, number: str, unit: str) -> str:
    if not unit:
        return f'"{text}" lacks a unit: write "{number}MiB" or "{number}B"'
    if unit.upper() in ("K", "M", "G", "T"):
        binary, decimal = f"{unit.upper()}iB", "kB" if unit.upper() == "K" else f"{unit.upper()}B"
        return (f'"{text}" can be read two ways: write "{number}{binary}" (powers of 1024) '
                f'or "{number}{decimal}" (powers of 1000)')
    meant = next((known for known in _SIZE_UNITS if known.lower() == unit.lower()), None)
    hint = f' — did you mean "{number}{meant}"?' if meant else f": the units are {', '.join(_SIZE_UNITS)} and %"
    return f'"{unit}" in "{text}" is not a unit of size{hint}'


def format_size(size: SizeValue) -> str:
    """The shortest text that parse_size reads back as the same value."""
    kind, amount = size
    if kind == "percent":
        return format_percent(amount)
    unit = next(unit for unit in _BINARY_UNITS if amount % _SIZE_UNITS[unit] == 0 and (amount or unit == "B"))
    return f"{int(amount) // _SIZE_UNITS[unit]}{unit}"


def parse_percent(text: str) -> float:
    """``"10%"`` → 10.0; from 0 to 100, three decimals at most."""
    found = _PERCENT.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is not a percentage: write it like "10%"')
    return checked_percent(float(found[1]))


def checked_percent(value: float) -> float:
    """The number, if it is a percentage that can be written back exactly."""
    if not 0 <= value <= 100:
        raise ValueError(f"{value:g}% is not between 0% and 100%")
    if round(value, 3) != value:
        raise ValueError(f"{value!r} has more than three decimals")
    return float(value)


def format_percent(value: float) -> str:
    return f"{value!r}".removesuffix(".0") + "%"


def parse_duration(text: str) -> float:
    """``"1h30m"`` → 5400.0 seconds: numbers with d, h, min (or m), s, ms, largest first, no finer than 1 ms."""
    total_ms, at, smallest_ms = 0, 0, _LONGEST_MS
    while at < len(text) or not text:
        found = _SPAN.match(text, at)
        if found is None:
            raise ValueError(_not_a_duration(text))
        span_ms = _span_ms(text, found[3])
        if span_ms >= smallest_ms:
            raise ValueError(f'the parts of "{text}" must go from the largest unit to the smallest, each once')
        digits = found[1] + (found[2] or "")
        part_ms, rest = divmod(int(digits) * span_ms, 10**len(found[2] or ""))
        if rest:
            raise ValueError(f'"{text}" is finer than a millisecond')
        total_ms, at, smallest_ms = total_ms + part_ms, found.end(), span_ms
    if total_ms > _LONGEST_MS:
        raise ValueError(f'"{text}" is more than ten years')
    return total_ms / 1000


def _span_ms(text: str, unit: str) -> int:
    if unit == "m":
        return _SPANS_MS["min"]
    if unit not in _SPANS_MS:
        raise ValueError(f'"{unit}" in "{text}" is not a unit of time: the units are d, h, min (or m), s and ms')
    return _SPANS_MS[unit]


def _not_a_duration(text: str) -> str:
    number = text.strip()
    if number.replace(".", "", 1).isdecimal():
        return f'"{text}" lacks a unit: write "{number}s", "{number}min" or "{number}h"'
    return f'"{text}" is not a duration: write it like "90s", "20min", "1h30m", "2d" or "500ms"'


def format_duration(seconds: float) -> str:
    """The text that parse_duration reads back as the same number of milliseconds."""
    rest_ms = round(seconds * 1000)
    parts = []
    for unit, span_ms in _SPANS_MS.items():
        count, rest_ms = divmod(rest_ms, span_ms)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_hours(text: str) -> tuple[int, int]:
    """``"22:00-06:00"`` → minutes of the day (1320, 360), start included, end not; it may pass midnight."""
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is not a time of day: write it like "22:00-06:00", or "00:00-24:00" for always')
    start_minute, end_minute = _minute(text, found[1], found[2]), _minute(text, found[3], found[4])
    if start_minute == _DAY_MINUTES:
        raise ValueError(f'"{text}" begins at the end of the day: write 00:00 instead of 24:00')
    if start_minute == end_minute:
        raise ValueError(f'"{text}" ends where it begins: write "00:00-24:00" for the whole day')
    return start_minute, end_minute


def _minute(text: str, hour: str, minute: str) -> int:
    total = int(hour) * 60 + int(minute)
    if int(minute) > 59 or total > _DAY_MINUTES:
        raise ValueError(f'"{hour}:{minute}" in "{text}" is not a time between 00:00 and 24:00')
    return total


def parse_address(text: str) -> tuple[str, int]:
    """``"127.0.0.1:10024"``, ``"[::1]:25"`` or ``"localhost:25"`` → host and port."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is not an address: write it like "127.0.0.1:25", "[::1]:25" or "localhost:25"')
    host, port = found[1] or found[2], int(found[3])
    if found[1]:
        try:
            socket.inet_pton(socket.AF_INET6, host)
        except OSError:
            raise ValueError(f'"{host}" in "{text}" is not an IPv6 address') from None
    if not 1 <= port <= 65535:
        raise ValueError(f'port {port} in "{text}" is not between 1 and 65535')
    return host, port

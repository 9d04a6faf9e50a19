"""Values formatted for people: sizes, durations, percentages, processes, untrusted text."""

from __future__ import annotations

_UNITS = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))
_SPANS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def size(amount_bytes: float) -> str:
    """Bytes in the largest binary unit that leaves at least one: ``412 MiB``, ``1.5 GiB``."""
    for unit, factor in _UNITS:
        if amount_bytes >= factor:
            number = amount_bytes / factor
            return f"{number:.1f} {unit}" if number < 10 and number != int(number) else f"{number:.0f} {unit}"
    return f"{amount_bytes:.0f} B"


def duration(seconds: float) -> str:
    """Seconds in the policy language's own form, two units at most: ``1h30min``, ``42s``, ``0.4s``."""
    if (seconds < 10 and seconds % 1) or not seconds < float("inf"):  # a recording may hold any number
        return f"{seconds:.1f}s"
    parts: list[str] = []
    rest = round(seconds)
    for unit, span in _SPANS:
        if rest >= span and len(parts) < 2:
            parts.append(f"{rest // span}{unit}")
            rest %= span
    return "".join(parts) or "0s"


def percent(value: float) -> str:
    return f"{value:.1f}%" if value < 10 and value % 1 else f"{value:.0f}%"


def process_label(comm: str, pid: int) -> str:
    """A process as shown to people: ``clamscan[4711]``."""
    return f"{printable(comm)}[{pid}]"


def count(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """Text from a process made safe to print: control characters and undecodable bytes are escaped."""
    def escaped(char: str) -> str:
        return char.encode("unicode_escape", "backslashreplace").decode("ascii")
    return "".join(char if char.isprintable() and char != "\\" else escaped(char) for char in text)

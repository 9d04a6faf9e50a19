"""Text of a host as TOML: whatever a process is called, it stays within its string or its comment (Law 12)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from watchdog_oom.formatting import printable

WIDTH = 118
_ARRAY_WIDTH = 100
_ESCAPES = {'"': '\\"', "\\": "\\\\"}


def writable(text: str) -> bool:
    """Whether TOML can hold it: no byte that was not UTF-8, no NUL, which no key takes."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def quoted(text: str) -> str:
    """A basic string on one line: what controls a terminal, or is not seen, is written by its number."""
    return f'"{"".join(_escaped(char) for char in text)}"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return f"\\u{ord(char):04X}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08X}"


def literal_glob(text: str) -> str:
    """A glob that matches this text and nothing else."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in text)


def listed(texts: Sequence[str]) -> str:
    """One string, or an array of several, of which a long one takes several lines."""
    if len(texts) == 1:
        return quoted(texts[0])
    lines = [""]
    for text in texts:
        if lines[-1] and len(lines[-1]) + len(quoted(text)) > _ARRAY_WIDTH:
            lines.append("")
        lines[-1] += f"{', ' if lines[-1] else ''}{quoted(text)}"
    return f"[{lines[0]}]" if len(lines) == 1 else "[\n" + "".join(f"  {line},\n" for line in lines) + "]"


def comment(text: str, indent: str = "") -> Iterator[str]:
    """Lines of comment, wrapped; what came from a process is made printable, so it cannot end one."""
    width = WIDTH - len(indent) - 2
    for line in textwrap.wrap(shown(text), width, break_long_words=False, break_on_hyphens=False) or [""]:
        yield f"# {indent}{line}".rstrip()


def shown(text: str) -> str:
    """Printable, in one line."""
    return printable(text).replace("\\\\", "\\")


def table(header: str, values: Iterable[tuple[str, str]], note: str = "") -> Iterator[str]:
    """A table with its values as written, the keys aligned, and a blank line behind it. ``note`` is a comment beside
    the header."""
    pairs = list(values)
    width = max((len(key) for key, _ in pairs), default=0)
    yield f"[{header}]".ljust(31) + f" # {shown(note)}" if note else f"[{header}]"
    for key, value in pairs:
        yield f"{key.ljust(width)} = {value}"
    yield ""

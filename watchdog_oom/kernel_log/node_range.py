"""Lists of nodes as the kernel writes them (``bitmap_parselist``): ``0-1,4``, or a mask in hexadecimal."""

from __future__ import annotations

_MOST = 4096  # nodes; no kernel is configured for so many


def numbers_in(text: str | None) -> frozenset[int] | None:
    """The numbers of a list; ``None`` for ``(null)``, for no text, and for what is none."""
    if not text or text.strip("0123456789-, ") != "":
        return None
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            return None
        begin, end = int(first), int(last or first)
        if end >= _MOST:
            return None
        found.update(range(begin, end + 1))
    return frozenset(found) or None

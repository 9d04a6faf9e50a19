"""Lines that the kernel itself broke.

From 4.9 on each piece that it prints without a line feed became a line of its own, until all of its code said that it
goes on (``KERN_CONT``).
"""

from __future__ import annotations

import re

_ZONE = r"(?:DMA|DMA32|Normal|HighMem|Movable|Device)"
_CHARS = 2048
_NODE = re.compile(r"Node \d+,?$")
_OF_NODE = re.compile(rf"{_ZONE}:? ?(?:free:|per-cpu|\d+\*|$)|(?:active_anon|hugepages_total)[:=]")
_LIST = re.compile(rf"(?:Node \d+,? )?{_ZONE}:(?:(?: \d+\*\d+kB)?(?: \([A-Z]+\))?)*$")
_OF_LIST = re.compile(r"(?:\d+\*\d+kB ?)?(?:\([A-Z]+\) ?)?(?:= ?\d+kB)?$")
_RESERVE = re.compile(r"(?:lowmem_reserve|protections)\[\]:[ \d]*$")


def broken(before: str, piece: str) -> bool:
    """Whether ``piece`` is what the kernel printed next of the same line."""
    last = before[-1:]
    if not piece or len(before) > _CHARS or not (last.isdigit() or last in ":,)B"):
        return False
    if before.startswith("Node ") and _NODE.match(before):
        return _OF_NODE.match(piece) is not None
    if piece.isascii() and piece.isdigit():
        return _RESERVE.match(before) is not None
    return piece[0] in "0123456789(=" and _OF_LIST.match(piece) is not None and _LIST.match(before) is not None

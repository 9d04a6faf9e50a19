"""Bars of ASCII characters: each terminal and each font has them, and without colour they say the same."""

from __future__ import annotations

LEAST_WIDTH = 4
NARROW, WIDE = 60, 120


def bar(share: float, width: int, mark: float | None = None) -> str:
    """``[=====..|..]``, ``width`` characters within the brackets: ``share`` of it filled, and where the threshold
    ``mark`` is, a stroke. Below the mark at least one dot is left, so that nobody takes near for there."""
    filled = round(max(0.0, min(1.0, share)) * width)
    if share < 1.0:
        filled = min(filled, width - 1)
    cells = ["="] * filled + ["."] * (width - filled)
    if mark is not None:
        cells[min(width - 1, int(max(0.0, min(1.0, mark)) * width))] = "|"
    return f"[{''.join(cells)}]"


def bar_width(columns: int) -> int:
    """How long a bar may be beside its words in a window of that many columns."""
    return 8 if columns < NARROW else 12 if columns < WIDE else 30


def kind_of(share: float | None) -> str:
    """The style of a share of the way to a threshold."""
    if share is None:
        return "dim"
    return "bold red" if share >= 1.0 else "yellow" if share > 0.8 else ""

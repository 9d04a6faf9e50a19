"""Tables in Markdown, and their place in docs/performance.md."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


@dataclass(frozen=True, slots=True)
class Table:
    """One result. ``name`` is its marker in the page; ``notes`` say what was skipped and how it was measured."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        widths = [max(len(row[at]) for row in (self.columns, *self.rows)) for at in range(len(self.columns))]

        def line(cells: Sequence[str]) -> str:
            first, *rest = [cell.ljust(width) if at == 0 else cell.rjust(width)
                            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))]
            return f"| {' | '.join((first, *rest))} |"

        rule = "|" + "".join("-" * (width + 2) + "|" if at == 0 else "-" * (width + 1) + ":|"
                             for at, width in enumerate(widths))
        lines = [line(self.columns), rule, *(line(row) for row in self.rows)]
        return "\n".join([*lines, "", *(f"{note}  " for note in self.notes)]).rstrip()


def spread(values: Sequence[float], unit: str = "", digits: int = 1) -> str:
    """Median, and the smallest and the largest in brackets."""
    numbers = (statistics.median(values), min(values), max(values))
    middle, low, high = (f"{number:,.{digits}f}" for number in numbers)
    return f"{middle}{unit}" if len(values) == 1 else f"{middle}{unit} ({low}–{high})"


def ratio(values: Sequence[float], against: Sequence[float]) -> str:
    """How many times the other's median."""
    base = statistics.median(against)
    return f"{statistics.median(values) / base:.2f}" if base else "–"


def write(tables: Mapping[str, str]) -> None:
    """Put each text between its two markers in the page; a marker that is missing is an error."""
    page = PAGE.read_text()
    for name, text in tables.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end {name} -->"
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise SystemExit(f"{PAGE}: no place for the table {name}")
        page = f"{before}{begin}\n{text}\n\n{end}{after}"
    PAGE.write_text(page)

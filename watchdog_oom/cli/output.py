"""Pages of text for people: styled on a terminal, plain elsewhere, with control characters always escaped."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import click

if TYPE_CHECKING:
    from rich.text import Text

Part: TypeAlias = "str | tuple[str, str]"
Line: TypeAlias = "list[tuple[str, str]]"
GAP = "  "


class Page:
    """Lines made of parts, each a text or a text with a style: ``dim``, ``bold``, a colour, or a combination."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self._lines: list[Line] = list(lines)

    def line(self, *parts: Part, indent: int = 0) -> None:
        """One line, indented by that many steps of two spaces."""
        styled = [part if isinstance(part, tuple) else (part, "") for part in parts]
        self._lines.append([(GAP * indent, ""), *((safe(text), style) for text, style in styled)])

    def title(self, text: str) -> None:
        """A heading, with a blank line above it unless it is the first line."""
        if self._lines:
            self._lines.append([])
        self.line((text, "bold"))

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = (),
              indent: int = 0) -> None:
        """Rows in columns below a header; ``right`` are the indexes of right-aligned columns."""
        cells = [[safe(cell) for cell in row] for row in (header, *rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
        on_the_right = frozenset(right)
        for number, row in enumerate(cells):
            padded = [cell.rjust(width) if column in on_the_right else cell.ljust(width)
                      for column, (cell, width) in enumerate(zip(row, widths, strict=True))]
            self.line((GAP.join(padded).rstrip(), "" if number else "dim"), indent=indent)

    def sections(self) -> list[list[Line]]:
        """The lines between the blank ones: a title and what is below it."""
        sections: list[list[Line]] = [[]]
        for line in self._lines:
            if line:
                sections[-1].append(line)
            elif sections[-1]:
                sections.append([])
        return [section for section in sections if section]

    def lines(self) -> list[Line]:
        return list(self._lines)

    def text(self, *, colour: bool = False) -> str:
        """The whole page, with terminal sequences for the styles or without any."""
        return "".join("".join(styled(text, style) if colour and style else text for text, style in line).rstrip()
                       + "\n" for line in self._lines)

    def rich(self) -> Text:
        """The page as rich shows it."""
        from rich.text import Text
        return Text("\n").join(Text.assemble(*line) for line in self._lines)


def safe(text: str) -> str:
    """The text with everything that controls a terminal escaped; safe text is unchanged."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode("ascii")
                   for char in text)


def local_time(moment: float, now: float) -> str:
    """A local time, with its date unless that is today's."""
    try:
        then, today = time.localtime(moment), time.localtime(now)
    except (ValueError, OverflowError, OSError):
        return "at an unknown time"
    same_day = (then.tm_year, then.tm_yday) == (today.tm_year, today.tm_yday)
    return time.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S", then)


def show(page: Page) -> None:
    """Print the page, in colours on a terminal unless NO_COLOR is set; FORCE_COLOR forces them."""
    colour = wants_colour()
    click.echo(page.text(colour=colour), nl=False, color=colour)


def show_json(value: object) -> None:
    """Print one JSON document, in ASCII: undecodable bytes of names stay recognisable as ``\\udc..`` escapes."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def wants_colour() -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or draws_well()


def draws_well() -> bool:
    """Whether somebody looks at a terminal: a pipe, and ``TERM=dumb`` as screen readers set it, get words alone."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str) -> str:
    """With terminal sequences for the style."""
    names = style.split()
    colour = next((name for name in names if name not in ("bold", "dim")), None)
    return click.style(text, fg=colour, bold="bold" in names or None, dim="dim" in names or None)

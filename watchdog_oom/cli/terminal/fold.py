"""A page cut to the size of a terminal: what stands first is kept and wrapped, the rest shares what is left."""

from __future__ import annotations

from watchdog_oom.cli.output import Line, Page

_LEAST_ROWS = 2  # of a section: its title, and how much more there is
_FIRST_ROWS, _MORE_ROWS = 5, 10  # of each section, before one gets more; of those in ``more``
ELLIPSIS = "…"


def folded(page: Page, width: int, height: int, *, keep: tuple[str, ...] = (),
           more: tuple[str, ...] = ()) -> Page:
    """At most ``height`` lines of ``width`` characters, 20 at least. The sections titled in ``keep``, and what has no
    title, are cut last. Of the others the first ones are shown, each says how many lines it hides, and for which there
    is no room are named in the last line. Sections whose titles begin as in ``more`` get twice as much."""
    sections = page.sections()
    fitted = [_fitted(section, width, wrap=_kept(section, keep)) for section in sections]
    if sum(map(len, fitted)) + len(fitted) - 1 <= height:
        return Page(_joined(fitted, blank=True))
    others = [index for index, section in enumerate(sections) if not _kept(section, keep)]
    first = [_MORE_ROWS if _title(section).startswith(more or ("\0",)) else _FIRST_ROWS for section in sections]
    rows = _rows_of(fitted, others, first, height)
    lines = _joined([_shortened(section, rows[index]) for index, section in enumerate(fitted) if rows[index]],
                    blank=False)
    hidden = ", ".join(_title(sections[index]) for index in others if not rows[index])
    if hidden:
        lines += _fitted([[(f"{ELLIPSIS} below: {hidden}", "dim")]], width, wrap=False)
    return Page(lines if len(lines) <= height else _shortened(lines, height))


def _rows_of(sections: list[list[Line]], others: list[int], first: list[int], height: int) -> list[int]:
    """How many lines of each section there is room for: of ``others`` the ``first`` few each, as long as there is, then
    the rest of those that lack the least."""
    rows = [0 if index in others else len(section) for index, section in enumerate(sections)]
    for index in others:
        room = height - sum(rows) - (index != others[-1])
        if room < min(_LEAST_ROWS, len(sections[index])):
            break
        rows[index] = min(len(sections[index]), first[index], room)
    room = height - sum(rows) - any(not rows[index] for index in others)
    for index in sorted(filter(rows.__getitem__, others), key=lambda index: len(sections[index]) - rows[index]):
        more = max(0, min(room, len(sections[index]) - rows[index]))
        rows[index] += more
        room -= more
    return rows


def scrolled(page: Page, width: int, height: int, top: int, *, keep: tuple[str, ...] = ()) -> tuple[Page, int]:
    """The unfolded page from its line ``top`` on, and the last line from which it still fills the window. What stands
    first and what is kept does not move, unless it is more than half of the window."""
    head: list[Line] = []
    rest: list[Line] = []
    for section in page.sections():
        kept = _kept(section, keep)
        lines = head if kept else rest
        lines += [*([[]] if lines and not kept else []), *_fitted(section, width, wrap=kept)]
    if len(head) > height // 2:
        head, rest = [], [*head, [], *rest]
    last = max(0, len(rest) - (height - len(head)))
    top = min(top, last)
    return Page([*head, *rest[top:top + height - len(head)]]), last


def _kept(section: list[Line], keep: tuple[str, ...]) -> bool:
    return section[0][-1][1] != "bold" or _title(section) in keep


def _title(section: list[Line]) -> str:
    return "".join(part for part, _ in section[0])


def _joined(sections: list[list[Line]], *, blank: bool) -> list[Line]:
    lines: list[Line] = []
    for section in sections:
        lines += [[], *section] if blank and lines else section
    return lines


def _shortened(lines: list[Line], rows: int) -> list[Line]:
    if rows >= len(lines):
        return lines
    hidden = len(lines) - rows + 1
    return [*lines[:rows - 1], [(f"  {ELLIPSIS} {hidden} more line{'' if hidden == 1 else 's'}", "dim")]]


def _fitted(lines: list[Line], width: int, *, wrap: bool) -> list[Line]:
    fitted: list[Line] = []
    for line in lines:
        pieces = _cut(line, width, at_words=wrap)
        fitted += pieces if wrap else [_marked(pieces, width)]
    return fitted


def _marked(pieces: list[Line], width: int) -> Line:
    if len(pieces) == 1:
        return pieces[0]
    *_, first = _cut(pieces[0], width - 1)[:1]
    return [*first, (ELLIPSIS, "dim")]


def _cut(line: Line, width: int, *, at_words: bool = False) -> list[Line]:
    """The line in pieces of at most ``width`` characters."""
    pieces: list[Line] = [[]]
    left = width
    for text, style in line:
        while len(text) > left:
            end = (text.rfind(" ", 0, left + 1) + 1 if at_words else 0) or left
            pieces[-1].append((text[:min(end, left)], style))
            text, left = text[end:], width
            pieces.append([])
        pieces[-1].append((text, style))
        left -= len(text)
    return pieces

"""A page cut to the size of a terminal: what stands first is kept and wrapped, the rest shares what is left."""

from __future__ import annotations

from watchdog_oom.cli.output import Line, Page

_LEAST_ROWS = 2  # of a section: its title, and how much more there is
ELLIPSIS = "…"


def folded(page: Page, width: int, height: int, *, keep: tuple[str, ...] = ()) -> Page:
    """At most ``height`` lines of ``width`` characters, 20 at least. The sections titled in ``keep``, and what has no
    title, are cut last; of the others the longest gives way first and says how many lines it hides."""
    sections = [_fitted(section, width, wrap=_kept(section, keep)) for section in page.sections()]
    if sum(map(len, sections)) + len(sections) - 1 <= height:
        return Page(_joined(sections, blank=True))
    shown = [len(section) for section in sections]
    others = [index for index, section in enumerate(page.sections()) if not _kept(section, keep)]
    while sum(shown) > height:
        longest = max(others, key=lambda index: shown[index], default=None)
        if longest is None or shown[longest] <= _LEAST_ROWS:
            break
        shown[longest] -= 1
    lines = _joined([_shortened(section, rows) for section, rows in zip(sections, shown, strict=True)], blank=False)
    return Page(lines if len(lines) <= height else _shortened(lines, height))


def _kept(section: list[Line], keep: tuple[str, ...]) -> bool:
    text = "".join(part for part, _ in section[0])
    return section[0][-1][1] != "bold" or text in keep


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

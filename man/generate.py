"""Writes the man pages of section 5 from the reference, docs/policy.md: man/generate.py DIRECTORY.

They have the same words, so that neither can say what the other does not. Only the Markdown that the reference uses is
understood: headings, paragraphs, lists, tables, blocks of code. Needs nothing but Python's own library.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
REFERENCE = TOP / "docs" / "policy.md"
_SECOND_PAGE = "# The configuration file\n"
PAGES = {
    "watchdog-oom-policy.5": ("the policy language of watchdog-oomd", r"\fI/etc/watchdog\-oom/policies.d/*.toml\fR"),
    "watchdog-oom.toml.5": ("the configuration file of watchdog-oomd",
                            r"\fI/etc/watchdog\-oom/watchdog\-oom.toml\fR"),
}
SEE_ALSO = [("watchdog-oom", 1), ("watchdog-oom-policy", 5), ("watchdog-oom.toml", 5), ("watchdog-oomd", 8)]
_WIDTH = 78
_ROFF = {"\\": r"\e", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}


def pages() -> dict[str, str]:
    """The text of each page by its file's name."""
    first, _, second = REFERENCE.read_text(encoding="utf-8").partition(_SECOND_PAGE)
    return {name: _page(name, text) for name, text in zip(PAGES, (first, second), strict=True)}


def _page(name: str, text: str) -> str:
    title, _, section = name.rpartition(".")
    what, files = PAGES[name]
    date = (TOP / "man" / "watchdog-oom.1").read_text(encoding="utf-8").split()[3]
    others = [rf".BR {_roff(other, code=True)} ({number})" for other, number in SEE_ALSO if other != title]
    lines = [r".\" Made from docs/policy.md by man/generate.py.",
             f'.TH {_roff(title.upper(), code=True)} {section} {date} "watchdog-oom" "File formats"',
             ".nh", ".ad l", ".SH NAME", rf"{_roff(title, code=True)} \- {what}", ".SH SYNOPSIS", files,
             *_blocks(re.sub(r"\A\s*# .*\n", "", text)), ".SH SEE ALSO", ",\n".join(others)]
    return "\n".join(lines) + "\n"


def _blocks(text: str) -> Iterator[str]:
    """The page's lines, block by block; a heading that has no text of its own is left out."""
    pieces = re.split(r"^```\w*\n(.*?)^```\n", text, flags=re.MULTILINE | re.DOTALL)
    heading = ".SH DESCRIPTION"
    for number, piece in enumerate(pieces):
        if number % 2:
            yield from _example(piece)
            continue
        for block in filter(None, re.split(r"\n\s*\n|(?<=\n)(?=#)", piece)):
            block = block.strip("\n")
            found = re.match(r"(#+) (.*)(?:\n|$)", block)
            if found:
                heading = f".{'SS' if len(found[1]) > 2 else 'SH'} {_inline(found[2])}"
                block = block[found.end():]
            if block.strip():
                yield from filter(None, (heading, *_block(block, after_heading=bool(heading))))
                heading = ""


def _block(block: str, *, after_heading: bool) -> Iterator[str]:
    if block.startswith("|"):
        yield from _table(block)
    elif re.match(r"(\*|\d+\.) ", block):
        yield from _list(block)
    else:
        lead, bullet, rest = block.partition("\n* ")  # a list may follow its paragraph without an empty line
        if not after_heading:
            yield ".PP"
        yield _filled(lead)
        if bullet:
            yield from _list(f"* {rest}")


def _list(block: str) -> Iterator[str]:
    for item in re.split(r"\n(?=(?:\*|\d+\.) )", block):
        mark, _, words = item.partition(" ")
        yield r".IP \(bu 2" if mark == "*" else f".IP {mark} 3"
        yield _filled(words)


def _table(block: str) -> Iterator[str]:
    """A row is a paragraph: its first cell, then the others. Of a key: its type and its default behind it."""
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])] for line in block.splitlines()]
    keys = rows[0] == ["key", "type", "default", "meaning"]
    for row in rows[2:]:
        yield ".TP"
        if keys:
            key, kind, default, meaning = row
            known = "" if not default else default if default == "required" else f"default {default}"
            yield f"{_inline(key)} ({', '.join(_inline(word) for word in (kind, known) if word)})"
            yield _filled(meaning)
        else:
            yield _inline(row[0])
            yield _filled("; ".join(cell for cell in row[1:] if cell))


def _example(text: str) -> Iterator[str]:
    yield from (".PP", ".RS 4", ".nf")
    for line in text.rstrip("\n").splitlines():
        yield _guarded(_roff(line, code=True))
    yield from (".fi", ".RE")


def _filled(text: str) -> str:
    """Running text, wrapped for who reads the source of the page."""
    words = _inline(" ".join(text.split()))
    lines = textwrap.wrap(words, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(_guarded(line) for line in lines)


def _inline(text: str) -> str:
    """Code and what is bold in bold letters; of a link its words, and the address if it leads out of the project."""
    text = re.sub(r"\[([^\]]*)\]\((https?:[^)]*)\)", r"\1 <\2>", text)
    text = re.sub(r"\[((?:`[^`]*`|[^\]`])*)\]\([^)]*\)", r"\1", text)
    parts = re.split(r"(`[^`]+`|\*\*(?:`[^`]*`|[^*`])+\*\*)", text.replace("\\|", "|"))
    return "".join(_inline_part(part) for part in parts)


def _inline_part(part: str) -> str:
    if part.startswith("`"):
        return rf"\fB{_roff(part[1:-1], code=True)}\fR"
    if part.startswith("**"):
        return rf"\fB{_roff(part[2:-2].replace('`', ''), code=False)}\fR"
    return _roff(part, code=False)


def _roff(text: str, *, code: bool) -> str:
    marked = "".join(_ROFF.get(character, character) for character in text)
    return marked.replace("-", r"\-") if code else marked


def _guarded(line: str) -> str:
    """No line of text may begin like a request."""
    return rf"\&{line}" if line.startswith((".", "'")) else line


def main() -> None:
    """Write all pages into the directory that the command line names."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

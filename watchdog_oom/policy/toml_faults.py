"""What is wrong with a text that is not TOML, in the words of whoever wrote it: the parser's are for programmers.

Only texts that the parser refused come here. What is not recognised is told in the parser's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchdog_oom.formatting import printable

_POSITION = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", re.DOTALL)
_HEADER = re.compile(r"\s*\[\s*([^\[\]\"']+?)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_PAIR = re.compile(r"(?:^|[{,])\s*([A-Za-z0-9_-]+)\s*=\s*([^\s\"'\[{][^,}#]*)")
_RIGHT_VALUE = re.compile(r"true|false|[+-]?[0-9][0-9_]*(\.[0-9]+)?")
_TYPOGRAPHIC = re.compile("[“”„‟‘’‚«»]")
_COLON = re.compile(r"\s*([A-Za-z0-9_-]+)\s*:\s")
_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL)
_CLOSING = {"[": "]", "{": "}"}


def in_plain_words(text: str, error: ValueError) -> tuple[int, str]:
    """The line (from 1) and what is wrong there."""
    found = _POSITION.fullmatch(str(error))
    what = found[1] if found else str(error)
    lines = text.split("\n")
    last = max(1, len(text.splitlines()))
    line = int(found[2]) if found and found[2] else last
    if what.startswith(("Cannot", "Can't")):  # it was read to there and says something twice
        return _twice(lines, line) or (line, _parsers_words(what))
    bare = [_without_strings(one) for one in lines]
    whole = bare[:line]
    for one in (_typographic, _three_quotes, _open_quote, _backslash, _unquoted, _colon):
        told = one(lines, whole, line)
        if told is not None:
            return told
    return _open_bracket(text) or (line, _parsers_words(what))


def _parsers_words(what: str) -> str:
    return f"not valid TOML: {what[:1].lower()}{what[1:]}"


def _typographic(_lines: list[str], bare: list[str], line: int) -> tuple[int, str] | None:
    found = _TYPOGRAPHIC.search(bare[line - 1])
    return (line, f'{found[0]} is a typographic quote: write plain ones, "…"') if found else None


def _three_quotes(lines: list[str], _bare: list[str], _line: int) -> tuple[int, str] | None:
    for quotes in ('"""', "'''"):
        if "\n".join(lines).count(quotes) % 2:
            number = max(number for number, line in enumerate(lines, 1) if quotes in line)
            return number, "the text that begins here with three quotes never ends"
    return None


def _open_quote(lines: list[str], bare: list[str], _line: int) -> tuple[int, str] | None:
    """The last line up to the fault with a quote that belongs to no string."""
    for number in range(len(bare), max(0, len(bare) - 2), -1):
        text = bare[number - 1]
        if '"' in text or (text.count("'") and "=" in text):
            return number, f"a quote is missing: {printable(lines[number - 1].strip())}"
    return None


def _backslash(lines: list[str], _bare: list[str], line: int) -> tuple[int, str] | None:
    if re.search(r'"(?:[^"\\]|\\[btnfr"\\uU])*\\[^btnfr"\\uU]', lines[line - 1]):
        return line, (r"a backslash in double quotes must be doubled; write patterns in single quotes, '\d+', "
                      "where it stands for itself")
    return None


def _unquoted(_lines: list[str], bare: list[str], line: int) -> tuple[int, str] | None:
    for key, value in _PAIR.findall(bare[line - 1]):
        given = value.strip()
        if given.lower() in ("true", "false", "yes", "no", "on", "off") and given not in ("true", "false"):
            return line, f"{key} = {given}: write true or false, in small letters"
        if not _RIGHT_VALUE.fullmatch(given) and "_" * 2 not in given:
            return line, f'{key} = {printable(given)}: text stands in quotes, write {key} = "{printable(given)}"'
    return None


def _colon(_lines: list[str], bare: list[str], line: int) -> tuple[int, str] | None:
    found = _COLON.match(bare[line - 1])
    return (line, f"write {found[1]} = … with an equals sign instead of the colon") if found else None


def _open_bracket(text: str) -> tuple[int, str] | None:
    """The first bracket that nothing closes."""
    open_ones: list[tuple[str, int]] = []
    for number, line in enumerate(_without_strings(text).split("\n"), 1):
        for char in line:
            if char in _CLOSING:
                open_ones.append((char, number))
            elif open_ones and char == _CLOSING[open_ones[-1][0]]:
                open_ones.pop()
    if not open_ones:
        return None
    char, number = open_ones[0]
    return number, f"the {char} that is opened here is never closed: a {_CLOSING[char]} is missing"


def _without_strings(text: str) -> str:
    """The text with underscores for its strings and nothing for its comments."""
    return _STRING.sub(lambda found: "" if found[0][0] == "#" else re.sub(r"[^\n]", "_", found[0]), text)


def _twice(lines: list[str], line: int) -> tuple[int, str] | None:
    """The table or key that stands for the second time at the line, or the last one above it that does."""
    seen: dict[str, int] = {}
    found = None
    for number, name in _names(lines[:line]):
        if name in seen:
            found = (number, f"{name} stands twice, lines {seen[name]} and {number}")
        seen.setdefault(name, number)
    return found


def _names(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Tables and their keys as people write them, with their lines."""
    table = ""
    for number, line in enumerate(lines, 1):
        if (header := _HEADER.match(line)) is not None:
            table = f"[{printable(header[1])}]"
            yield number, table
        elif (key := _KEY.match(line)) is not None:
            yield number, f"{table} {key[1]}".strip()

"""The line of each key in a TOML text: tomli checks the text and gives the values, this module gives the lines.

The text must already be valid TOML; nothing is checked here a second time, but that it is of version 1.0: a policy is
valid or not by one version of the language, whichever parser is installed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping

import tomli

from watchdog_oom.lean_typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_SIMPLE_KEY = re.compile(r'[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|\'[^\']*\'')
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'", re.DOTALL)
_LATER_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\[ex]")
_OTHER_VALUE = re.compile(r"[^,\]}#\n]+")


class LaterTomlError(ValueError):
    """Something that TOML 1.0 does not have, and the line on which it stands."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


def lines_of(text: str) -> dict[Path, int]:
    """The line (from 1) of every key, table header and array element, by its path in the parsed document.

    Raises LaterTomlError for what a later version of TOML allows."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def line_at(lines: Mapping[Path, int], path: Path) -> int:
    """The line of the path, or of the nearest enclosing key or table; 1 if nothing is known."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Scanner:
    """Walks the text once; ``arrays`` counts the elements of each array of tables so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.arrays: dict[Path, int] = {}
        self.line_starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def document(self) -> None:
        table: Path = ()
        while self._skip_blank():
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        line = self._line()
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        parts = self._key()
        self.at += brackets
        path: Path = ()
        for part in parts[:-1]:
            path = (*path, part)
            self.lines.setdefault(path, line)
            if path in self.arrays:
                path = (*path, self.arrays[path] - 1)
        path = (*path, parts[-1])
        if brackets == 2:
            self.lines.setdefault(path, line)
            self.arrays[path] = self.arrays.get(path, 0) + 1
            path = (*path, self.arrays[path] - 1)
        self.lines[path] = line
        return path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for part in self._key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self.at += 1  # the equals sign
        self._skip_space()
        self._value(path)

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._skip_space()
            word = self._take(_SIMPLE_KEY)
            parts.append(str(tomli.loads(f"key = {word}")["key"]) if word[0] in "\"'" else word)
            self._skip_space()
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _value(self, path: Path) -> None:
        match self.text[self.at]:
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case '"' | "'":
                self._string()
            case _:
                self._take(_OTHER_VALUE)

    def _array(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self._another("]"):
            element = (*path, index)
            self.lines[element] = self._line()
            self._value(element)
            index += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        while self._in_one_line("}"):
            self._pair(path)

    def _in_one_line(self, end: str) -> bool:
        began, line = self.at, self._line()
        more = self._another(end)
        if self.line_starts[line:line + 1] and self.at >= self.line_starts[line]:
            raise LaterTomlError(line, "a table in braces stands on one line: break the line in the list around it, "
                                       "or write the table with a header of its own")
        if not more and "," in self.text[began:self.at]:
            raise LaterTomlError(line, "a table in braces must not end with a comma")
        return more

    def _string(self) -> None:
        line = self._line()
        string = self._take(_STRING)
        if string[0] == '"' and _LATER_ESCAPE.search(string):
            raise LaterTomlError(line, r'"\e" and "\x" are no escapes: write "\u001b", or single quotes for a pattern')

    def _another(self, end: str) -> bool:
        """Go to the next item of an array or inline table; False once its closing bracket is passed."""
        self._skip_blank()
        if self.text[self.at] == ",":
            self.at += 1
            self._skip_blank()
        if self.text[self.at] != end:
            return True
        self.at += 1
        return False

    def _skip_blank(self) -> bool:
        self._take(_BLANK)
        return self.at < len(self.text)

    def _skip_space(self) -> None:
        self._take(_SPACE)

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"line {self._line()}: not valid TOML")
        self.at = found.end()
        return found[0]

    def _line(self) -> int:
        return bisect_right(self.line_starts, self.at)

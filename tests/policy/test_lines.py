"""Lines of keys, against tomli: generated documents in which every value is the number of the line it stands in."""

from __future__ import annotations

from typing import Any

import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import at_most
from watchdog_oom.policy.lines import Path, line_at, lines_of

KEYS = st.sampled_from(["a", "b-1", "C_d", "7", "é", "a.b", "with space", "#", 'quo"te', "[x]", "", "tab\t", "end\\"])
BARE = frozenset("abCd_-17")
ROOM = st.sampled_from(["", "\n", "# [not.a.table] = { ]\n", "\r\n", "  \t", "# 'x' \"\"\"\n\n"])


class Writer:
    """Writes TOML while counting lines; styles come from hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.text = ""

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def key(self, key: str) -> None:
        if key and BARE.issuperset(key) and self.draw(st.booleans()):
            self.text += key
        elif "'" not in key and "\t" not in key and self.draw(st.booleans()):
            self.text += f"'{key}'"
        else:
            escaped = key.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("é", "\\u00e9")
            self.text += f'"{escaped}"'

    def keys(self, keys: list[str]) -> None:
        for index, key in enumerate(keys):
            self.text += self.draw(st.sampled_from([".", " . "])) if index else ""
            self.key(key)

    def value(self, depth: int) -> None:
        """A scalar whose content is the line in which its key or element begins, an array, or an inline table."""
        line = self.line
        kind = self.draw(st.sampled_from(["int", "basic", "literal", "ml-basic", "ml-literal", "array", "table"]))
        if kind == "array" and depth:
            self.array(depth)
        elif kind == "table" and depth:
            self.inline(depth)
        else:
            self.text += {
                "basic": f'"{line} \\\\ \\" ]}},#"', "literal": f"'{line} \\ ]}},#'",
                "ml-basic": f'"""{line}\n[x]\n# "" \\""" \\\\""""', "ml-literal": f"'''{line} '' \n a = 1 \\'''''",
            }.get(kind, str(line))

    def array(self, depth: int) -> None:
        self.text += "[" + self.draw(ROOM)
        count = self.draw(st.integers(0, 3))
        for index in range(count):
            self.value(depth - 1)
            self.text += self.draw(ROOM)
            if index + 1 < count or self.draw(st.booleans()):
                self.text += "," + self.draw(ROOM)
        self.text += "]"

    def inline(self, depth: int) -> None:
        self.text += "{ "
        for index, key in enumerate(self.draw(st.lists(KEYS, max_size=3, unique=True))):
            self.text += ", " if index else ""
            self.key(key)
            self.text += " = "
            self.value(depth - 1)
        self.text += " }"

    def pairs(self) -> None:
        for key in self.draw(st.lists(KEYS, max_size=3, unique=True)):
            self.text += self.draw(ROOM)
            self.keys([key, *self.draw(st.lists(KEYS, max_size=2))])
            self.text += self.draw(st.sampled_from([" = ", "=", "\t=  "]))
            self.value(2)
            self.text += self.draw(st.sampled_from(["\n", " # x = 1\n", "\r\n"]))


@st.composite
def documents(draw: st.DrawFn) -> str:
    writer = Writer(draw)
    writer.pairs()
    for name in draw(st.lists(KEYS, max_size=3, unique=True)):
        repeated = draw(st.integers(0, 3))
        for _ in range(max(1, repeated)):
            writer.text += draw(ROOM) + "\n"
            opening, closing = ("[[", "]]") if repeated else ("[", "]")
            writer.text += opening
            writer.keys(["tables", name])
            writer.text += closing + draw(st.sampled_from(["\n", " # ]\n"]))
            writer.pairs()
            if draw(st.booleans()):
                writer.text += "\n["
                writer.keys(["tables", name, "below it"])
                writer.text += "]\n"
                writer.pairs()
    return writer.text


def paths_of(value: Any, path: Path = ()) -> dict[Path, Any]:
    found: dict[Path, Any] = {path: value} if path else {}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found.update(paths_of(inner, (*path, key)))
    return found


@settings(max_examples=at_most(150), deadline=None)
@given(documents())
def test_every_path_that_tomli_knows_has_its_line_and_no_other_has_one(text: str) -> None:
    try:
        document = tomli.loads(text)
    except tomli.TOMLDecodeError:
        return  # a generated key collided with another; most documents are valid, see the next test
    lines, paths = lines_of(text), paths_of(document)
    assert lines.keys() == paths.keys()
    for path, value in paths.items():
        if isinstance(value, int | str):
            assert lines[path] == int(str(value).split()[0]), path


def test_most_generated_documents_are_valid_toml() -> None:
    seen = {"valid": 0, "not": 0}

    @settings(max_examples=at_most(100), deadline=None, database=None)
    @given(documents())
    def count(text: str) -> None:
        try:
            tomli.loads(text)
            seen["valid"] += 1
        except tomli.TOMLDecodeError:
            seen["not"] += 1

    count()
    assert seen["valid"] > seen["not"]


def test_a_header_has_its_own_line_even_when_a_table_below_it_came_first() -> None:
    lines = lines_of("[a.b]\nx = 1\n[a]\ny = 2\n")
    assert lines == {("a",): 3, ("a", "b"): 1, ("a", "b", "x"): 2, ("a", "y"): 4}


def test_the_elements_of_a_list_of_tables_have_lines_of_their_own() -> None:
    lines = lines_of('[recover.amavis]\nwhen = [\n  { x = 1, y = 2 },\n  # { z = 3 }\n  { for = "1s" },\n]\n')
    assert lines["recover", "amavis", "when", 0] == 3
    assert lines["recover", "amavis", "when", 1, "for"] == 5


def test_what_has_no_line_has_that_of_what_is_around_it() -> None:
    lines = lines_of("\n[a]\nb = { c = 1 }\n")
    assert line_at(lines, ("a", "b", "missing")) == 3
    assert line_at(lines, ("a", "missing")) == 2
    assert line_at(lines, ("missing",)) == 1

"""Whatever a text holds: it stays in its string, and in its comment."""

from __future__ import annotations

import tomllib

import tomli
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.cli.init.toml_text import comment, listed, literal_glob, quoted, table, writable
from watchdog_oom.core.glob import glob_pattern

TEXTS = st.text(st.one_of(st.sampled_from("\"\\'#[]{}\n\r\t\0\x7f\x85\u2028\u202e"), st.characters()), max_size=200)


@given(TEXTS)
def test_a_string_is_read_back_as_it_was(text: str) -> None:
    if writable(text):
        assert tomllib.loads(f"x = {quoted(text)}") == {"x": text}
        assert quoted(text).isprintable()


@given(st.lists(TEXTS.filter(writable), min_size=2, max_size=6))
def test_a_long_list_of_several_lines_is_read_back_as_it_was(texts: list[str]) -> None:
    assert tomli.loads(f"x = {listed(texts)}") == {"x": texts}


@given(TEXTS)
def test_a_comment_is_nothing_but_comments(text: str) -> None:
    lines = list(comment(text))
    assert all(line.startswith("#") and line.isprintable() for line in lines)
    assert tomllib.loads("\n".join(lines)) == {}


@given(TEXTS.filter(bool))
def test_a_literal_glob_matches_its_text_and_no_other(text: str) -> None:
    assert glob_pattern(literal_glob(text)).fullmatch(text)
    assert not glob_pattern(literal_glob(text)).fullmatch(f"{text}x")


def test_a_byte_that_was_no_utf8_cannot_be_written() -> None:
    assert not writable("\udcff")
    assert not writable("a\0")


def test_the_keys_of_a_table_are_aligned() -> None:
    assert list(table("limit.x", [("rss", '"1MiB"'), ("process", '"x"')], note="it")) == [
        "[limit.x]                       # it", 'rss     = "1MiB"', 'process = "x"', ""]

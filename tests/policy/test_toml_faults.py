"""Texts that are no TOML: whatever stands in them, there is a line and a sentence. The sentences are in broken/."""

from __future__ import annotations

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from watchdog_oom.policy.toml_faults import in_plain_words

FINE = '[process.p]\nexe = "/usr/bin/p"\n\n[limit.l]\nprocess = "p"\nruntime = "20min"\nthen = \'kill\'  # it\n'


@settings(deadline=None)
@given(at=st.integers(0, len(FINE)), cut=st.integers(0, 4),
       put=st.text("\"'[]{}=,:#\\“~ \nab", max_size=4) | st.sampled_from(['"""', "'''", "[limit.l]\n"]))
def test_whatever_is_broken_there_is_a_line_of_the_text_and_a_sentence(at: int, cut: int, put: str) -> None:
    text = FINE[:at] + put + FINE[at + cut:]
    try:
        tomli.loads(text)
    except ValueError as error:
        line, words = in_plain_words(text, error)
        assert 1 <= line <= text.count("\n") + 1
        assert words


@pytest.mark.parametrize(("text", "line", "words"), [
    ("a = 1\nb = ?\n", 2, "text stands in quotes"),
    ("a.b = 1\n[a]\n", 2, "not valid TOML: cannot declare"),
    ("[a]\n[b]\nx = 1\n[a]\n", 4, "[a] stands twice, lines 1 and 4"),
    ("x = 1\nx = 2\n", 2, "x stands twice, lines 1 and 2"),
    ("a = 'it''s'\n", 1, "not valid TOML"),
])
def test_what_is_recognised_is_said_plainly_and_the_rest_in_the_parsers_words(text: str, line: int, words: str) -> None:
    with pytest.raises(tomli.TOMLDecodeError) as refused:
        tomli.loads(text)
    told = in_plain_words(text, refused.value)
    assert told[0] == line
    assert words in told[1]

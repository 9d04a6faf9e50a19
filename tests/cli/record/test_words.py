"""Words replaced by chance: always by the same, never two by one, the structure of the text kept."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import at_most
from watchdog_oom.cli.record.words import KEPT, Words

TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from("ab1_-/. "), max_size=30)


@settings(max_examples=at_most(50))
@given(st.lists(TEXTS, max_size=8))
def test_the_same_text_always_becomes_the_same_and_other_words_become_others(texts: list[str]) -> None:
    words = Words()
    first = [words.text(text) for text in texts]
    assert [words.text(text) for text in texts] == first
    told = words.map()
    assert len(set(told.values())) == len(told)
    assert not KEPT & set(told.values())
    assert all(new != old for old, new in told.items())
    assert all(text.isascii() and text.isprintable() for text in first)


def test_separators_capitals_and_what_the_rules_know_stay() -> None:
    words = Words()
    path = words.text("/usr/bin/acme-Billing2.py")
    assert re.fullmatch(r"/usr/bin/[a-z]{4}-[A-Z][a-z]{6}\d\.[a-z]{2}", path)
    assert words.text("acme-x.service").startswith(path[9:13]) and words.text("acme-x.service").endswith(".service")
    assert words.text("sshd") == "sshd"


def test_a_user_has_the_same_number_in_texts_and_by_itself() -> None:
    words = Words()
    number = words.number(48_213)
    assert words.text("user@48213.service") == f"user@{number}.service"
    assert number >= 10_000 and words.number(33) == 33


def test_all_words_of_a_length_may_be_taken() -> None:
    words = Words()
    assert len({words.word(f"{first}{second}") for first in "abcdefghijklmnopqrstuvwxyz"
                for second in "abcdefghijklmnopqrstuvwxyz"} | {words.word(letter) for letter in "abcxyz"}) == 682


def test_two_runs_replace_differently() -> None:
    assert Words().word("averylongname") != Words().word("averylongname")

"""Numbers, lists and names as people say them."""

from __future__ import annotations

import pytest

from watchdog_oom.report.model import NightSpan
from watchdog_oom.report.words import capital, clock, exact, listed, number, safe_name, several


@pytest.mark.parametrize(("amount", "name", "words"), [
    (1, "clamscan", "one clamscan"), (5, "clamscan", "five clamscans"), (13, "java", "13 javas"),
    (2, "httpds", "two httpds"), (3, "a)b", "3 × a)b")])
def test_several_of_a_name(amount: int, name: str, words: str) -> None:
    assert several(amount, name) == words


def test_lists_are_cut_and_say_how_many_are_left() -> None:
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed("abc"), listed("abcdef")] == [
        "", "a", "a and b", "a, b and c", "a, b, c and 3 more"]
    assert [number(0), number(12), number(13), number(12_000)] == ["no", "twelve", "13", "12,000"]


def test_a_path_and_a_rule_keep_their_first_letter() -> None:
    assert [capital(words) for words in ("the daemon", "/var is", "recover.a is held", "", "clean")] == [
        "The daemon", "/var is", "recover.a is held", "", "Clean"]


def test_a_time_has_its_day_where_the_time_alone_would_not_tell() -> None:
    assert clock(1_772_308_800.0) == "20:00"
    assert clock(1_772_308_800.0, NightSpan(0, 86_400 * 2)) == "Sat 20:00"
    assert exact(float("inf")) == "an unknown time"


def test_a_name_is_printable_and_not_longer_than_a_line() -> None:
    assert safe_name("a\u202e\n") == "a\\u202e\\n"
    assert len(safe_name("x" * 500)) == 81

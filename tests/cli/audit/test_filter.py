"""Which records are wanted, what text is searched for, and what is said when there are none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.cli.audit.filter import AuditFilter, TextSearch
from watchdog_oom.errors import UsageError


def test_without_a_wish_nothing_is_missed() -> None:
    asked = AuditFilter(None, None)
    assert asked.wants({"kind": "late"})
    assert asked.nothing("") == ""


def test_a_name_that_nobody_gave_is_printed_harmlessly() -> None:
    asked = AuditFilter("x\x1b[2J", None)
    assert asked.nothing("since 2h") == 'no record of rule "x\\x1b[2J" since 2h'


def test_all_that_was_asked_for_is_named_when_nothing_is_found() -> None:
    asked = AuditFilter(None, None, ("stop", "late"))
    assert not asked.wants({"kind": "start"})
    assert asked.wants({"kind": "stop"})
    assert asked.nothing("", "x\x07") == 'no record of kind late or stop and the text "x\\x07"'


def test_case_matters_only_where_a_capital_letter_was_written() -> None:
    assert TextSearch("kill").found_in("KILL x[7]")
    assert not TextSearch("Kill").found_in("KILL x[7]")
    assert TextSearch("gone$").found_in("it is gone\nand more")


def test_a_search_without_end_is_given_up_and_says_so() -> None:
    began = time.monotonic()
    with pytest.raises(UsageError, match="given up"):
        TextSearch(r"(\S+ ?)+x$").found_in("a" * 200 + "!")
    assert time.monotonic() - began < 4


@given(st.text(max_size=20))
def test_any_text_is_a_pattern_or_is_refused_in_words(pattern: str) -> None:
    try:
        TextSearch(pattern).found_in("limit.clamscan  KILL clamscan[7]: ended after KILL")
    except UsageError as error:
        assert str(error).startswith("--grep: ")

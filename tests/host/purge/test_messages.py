from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.host.purge.messages import (
    Cleared,
    Deleted,
    Failed,
    PurgeNews,
    Remaining,
    example,
    parse_line,
    to_line,
)


@pytest.mark.parametrize("news", [
    Cleared(7, 1, 2, 3, 4, 5, 6, 7, 8, 9, limited=True, unseen=4, stale_after_seconds=0.5, other=("amavis-1: why",)),
    Deleted(7, 100, 4096, 1, 2, ("x: why",)), Failed("words"), Remaining(2, 3)])
def test_news_survive_the_pipe(news: PurgeNews) -> None:
    line = to_line(news)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse_line(line) == news


NONSENSE = [b'{"stage":"cleared"}', b'{"stage":["x"]}', b'{"stage":"deleted","entries":-1}', b"[]", b"null",
            b'{"stage":"deleted","entries":"many"}', b'{"stage":"failed","words":{}}', b'{"stage":"failed","words":7}',
            b'{"stage":"cleared","renamed":1,"more":2}', b'{"stage":"deleted","entries":null}',
            b'{"stage":"deleted","entries":1,"left":["x",5]}', b'{"stage":"cleared","renamed":1,"other":"text"}',
            b'{"stage":"cleared","renamed":1,"stale_after_seconds":NaN}', b'{"stage":"remaining","directories":-1}',
            b'{"stage":"cleared","renamed":1,"stale_after_seconds":"1h"}']


@given(st.binary() | st.sampled_from(NONSENSE))
def test_a_line_that_makes_no_sense_is_a_failure_in_words(line: bytes) -> None:
    assert parse_line(line) == Failed("the purge said something that makes no sense")


def test_the_outcome_names_why_entries_stayed() -> None:
    told = Cleared(401, 4, kept_fresh=7, kept_changed=1, kept_links=3, kept_foreign=2, stale_after_seconds=1800.0)
    assert str(told) == ("401 entries cleared, kept 17: 4 are in use, 7 are younger than 30min, 1 changed meanwhile, "
                         "3 are symbolic links, 2 belong to another user")
    assert str(Cleared(1, 1, kept_special=1, kept_mounted=1)) == (
        "1 entry cleared, kept 3: 1 is in use, 1 is neither a file nor a directory, "
        "1 has something mounted on it or inside")
    assert str(Cleared(2, kept_other=1, other=("amavis-1: it cannot be read",), limited=True)) == (
        "2 entries cleared, kept 1: 1 cannot be taken (amavis-1: it cannot be read), more left for another run")


def test_that_there_was_nothing_to_clear_and_that_users_could_not_be_told_is_said() -> None:
    assert str(Cleared(0)) == "nothing to clear"
    assert str(Cleared(0, kept_unsure=2, unseen=1)) == (
        "nothing to clear, kept 2: 2 may be in use; what 1 process uses could not be told in full")
    assert str(Cleared(3, unseen=2)) == "3 entries cleared; what 2 processes use could not be told in full"


def test_every_reason_counts_in_what_was_kept_and_in_the_sum_of_two_halves() -> None:
    half = Cleared(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
    assert half.kept == 9
    assert half.and_also(half).kept == 18


def test_the_end_of_a_purge_is_said_in_words_of_people() -> None:
    assert str(Deleted(2, 80, 4096, left_count=1, left=("a/b: Operation not permitted",))) == (
        "2 entries deleted (80 files, 4 KiB), 1 could not be deleted: a/b: Operation not permitted")
    assert str(Deleted(0, restored=1)).endswith(", 1 put back: in use or changed after all")
    assert str(Remaining(1, 12)) == "12 entries in 1 trash directory still to be deleted"


@given(st.text(alphabet=st.characters() | st.characters(categories=["Cs"])))
def test_an_example_of_any_name_is_short_and_printable(name: str) -> None:
    assert example(name, "why").isprintable()
    assert len(example(name * 100, "why")) <= 200

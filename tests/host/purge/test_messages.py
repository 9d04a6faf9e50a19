from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.host.purge.messages import Cleared, Deleted, Failed, PurgeNews, example, parse_line, to_line


@pytest.mark.parametrize("news", [
    Cleared(7, 1, 2, 3, True, 4, ("amavis-1: it is a symbolic link",)), Deleted(7, 100, 4096, 1, 2, ("x: why",)),
    Failed("words")])
def test_news_survive_the_pipe(news: PurgeNews) -> None:
    line = to_line(news)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse_line(line) == news


NONSENSE = [b'{"stage":"cleared"}', b'{"stage":["x"]}', b'{"stage":"deleted","entries":-1}', b"[]", b"null",
            b'{"stage":"deleted","entries":"many"}', b'{"stage":"failed","words":{}}', b'{"stage":"failed","words":7}',
            b'{"stage":"cleared","renamed":1,"more":2}', b'{"stage":"deleted","entries":null}',
            b'{"stage":"deleted","entries":1,"left":["x",5]}', b'{"stage":"cleared","renamed":1,"odd":"text"}']


@given(st.binary() | st.sampled_from(NONSENSE))
def test_a_line_that_makes_no_sense_is_a_failure_in_words(line: bytes) -> None:
    assert parse_line(line) == Failed("the purge said something that makes no sense")


def test_news_are_said_in_words_of_people() -> None:
    assert str(Cleared(401, 1, 5, 3)) == "401 entries cleared, kept 1 in use, 5 not stale, 3 not ours to touch"
    assert str(Deleted(2, 80, 4096, left_count=1, left=("a/b: Operation not permitted",))) == (
        "2 entries deleted (80 files, 4 KiB), 1 could not be deleted: a/b: Operation not permitted")


@given(st.text(alphabet=st.characters() | st.characters(categories=["Cs"])))
def test_an_example_of_any_name_is_short_and_printable(name: str) -> None:
    assert example(name, "why").isprintable()
    assert len(example(name * 100, "why")) <= 200

"""What survives, and its bounds."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.cli.notify.made import NOW, incident, over
from tests.cli.notify.test_cases import CASES, TIMES, WORDS
from watchdog_oom.cli.notify.book import (
    KEEP_SECONDS,
    LEFT_OUT,
    MOST_CASES,
    REST_SECONDS,
    JournalPlace,
    NotifyBook,
    TargetHealth,
    book_of,
    plain_book,
)
from watchdog_oom.cli.notify.cases import NotifyCase, ToldStage

HEALTH = st.builds(TargetHealth, st.integers(0, 99), TIMES, st.none() | TIMES, WORDS, st.none() | TIMES,
                   st.tuples(TIMES))
BOOKS = st.builds(NotifyBook, st.none() | st.builds(JournalPlace, st.integers(0, 1 << 40), WORDS),
                  st.lists(CASES, max_size=4).map(lambda cases: {case.name: case for case in cases}),
                  st.dictionaries(WORDS, HEALTH, max_size=2), WORDS)


@given(BOOKS)
def test_a_book_comes_back_from_the_disk_as_it_was(book: NotifyBook) -> None:
    assert book_of(json.loads(json.dumps(plain_book(book)))) == book


def test_a_day_of_incidents_every_five_minutes_is_kept_and_far_more_is_counted() -> None:
    book = NotifyBook()
    for number in range(288):
        book.take((over(f"x-1.{number}", opened=NOW + 300 * number),))
    assert len(book.cases) == 288
    for number in range(1000):
        book.take((over(f"y-1.{number}"),))
        assert len(book.cases) <= MOST_CASES + 1
    left_out = book.cases[LEFT_OUT]
    assert left_out.left_out == 1288 - sum(name != LEFT_OUT for name in book.cases)
    assert f"{left_out.left_out} older messages" in left_out.result


def test_a_target_that_is_new_is_not_told_of_what_was_before_it() -> None:
    book = NotifyBook(cases={"x-1.1": over()}, targets={"gone": TargetHealth()})
    book.meet(["ops"])
    assert book.cases["x-1.1"].told_to("ops") is ToldStage.ENDED
    assert list(book.targets) == ["ops"]


def test_what_everybody_knows_is_dropped_after_a_rest_and_nothing_untold_for_a_week() -> None:
    def left(case: NotifyCase, known: bool, after: float) -> bool:
        book = NotifyBook(cases={case.name: case})
        book.forget({case.name} if known else (), case.last + after)
        return bool(book.cases)
    assert left(over(), True, REST_SECONDS - 1)
    assert not left(over(), True, REST_SECONDS + 1)
    assert left(over(), False, 86400.0)
    assert left(over(), False, KEEP_SECONDS - 1)
    assert not left(over(), False, KEEP_SECONDS + 1)
    assert left(incident(), True, REST_SECONDS + 1)
    assert left(over(), True, -9e6)

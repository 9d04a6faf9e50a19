"""The steps of an incident as rows."""

from __future__ import annotations

from collections.abc import Callable

from tests.report.conftest import BEGINS
from tests.report.journaled import done, incident, journaled, process
from watchdog_oom.report.model import Night
from watchdog_oom.report.steps import MOST_ROWS, step_rows


def test_acts_and_what_was_verified_stand_in_the_order_of_time(whole_night: Night) -> None:
    rows = step_rows(whole_night.incidents[0])
    assert [row.what for row in rows[:3]] == ["incident", "stop amavis.service", "KILL clamscan[4700]"]
    assert [(row.what, row.state, row.took) for row in rows[-2:]] == [
        ("5. verify amavis", "verified", "6s"), ("incident", "verified", "19s")]


def test_what_repeats_is_one_row(night: Callable[..., Night]) -> None:
    told = [each for number in range(30) for each in done(
        BEGINS + number * 9, f"STOP x[{number}]", process(number, "x"), name="", rule="limit.x", result="STOP sent")]
    (row,) = step_rows(night(journaled(told)).incidents[0])
    assert (row.what, row.result) == ("STOP x, 30 times until 20:04:21", "STOP sent")


def test_what_failed_and_what_has_no_outcome_say_so(night: Callable[..., Night]) -> None:
    failed = done(BEGINS, "start a.service", {"unit": "a.service"}, ok=False, result="it does not start")
    begun = done(BEGINS + 9, "start b.service", {"unit": "b.service"})[:1]
    rows = step_rows(night(journaled([*failed, *begun])).incidents[0])
    assert [(row.state, row.result) for row in rows] == [("FAILED", "it does not start"),
                                                         ("not known", "no outcome is recorded")]


def test_a_long_incident_is_cut_and_says_where_the_rest_is(night: Callable[..., Night]) -> None:
    told = [incident(BEGINS + number, f"verified: {number}") for number in range(100)]
    rows = step_rows(night(journaled(told)).incidents[0])
    assert len(rows) == MOST_ROWS
    assert (rows[-1].what, rows[-1].result) == ("61 more", "watchdog-oom audit --incident i-1")

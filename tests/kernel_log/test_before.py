"""What came before an event."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.kernel_log.made import at, event, kill
from watchdog_oom.kernel_log.before import Past
from watchdog_oom.kernel_log.model import ControlGroup, Event, FailedAllocation, Stamp


def told(events: Sequence[Event]) -> list[tuple[str, ...]]:
    past = Past()
    return [past.before(one) for one in events]


def killing(seconds: float | None, comm: str = "httpd") -> Event:
    when = None if seconds is None else at(seconds)
    return event(time=when, kills=(kill(1, comm, time=when),))


def test_the_same_name_three_times_in_an_hour_is_told_with_the_third() -> None:
    words = told([killing(0), killing(1000, "smtp"), killing(1800), killing(3600), killing(3601)])
    assert words[:3] == [(), (), ()]
    assert words[3][0].startswith("httpd was killed 3 times within an hour: the kills do not cure it")
    assert words[4][0].startswith("httpd was killed 3 times")  # the first is more than an hour ago


def test_more_than_an_hour_apart_is_no_series_and_without_times_neither() -> None:
    assert told([killing(0), killing(3000), killing(6601)])[2] == ()
    assert told([killing(None)] * 4)[3] == ()


def test_a_clock_that_goes_back_or_is_another_makes_no_series() -> None:
    boots = [event(kills=(kill(1, "a", time=Stamp("x", second, "boot")),)) for second in (500, 900, 3)]
    assert told(boots)[2] == ()
    mixed = [killing(1), killing(2), event(kills=(kill(1, "httpd", time=Stamp("3", 3, "boot")),))]
    assert told(mixed)[2] == ()


def test_three_of_one_event_alone_are_no_history() -> None:
    assert told([event(kills=tuple(kill(number, "a", time=at(1)) for number in range(5)))]) == [()]


def test_the_same_limit_is_told_from_the_third_time_on() -> None:
    group = ControlGroup("/shop")
    assert told([event(time=at(second), cgroup=group) for second in (1, 2, 3)])[2] \
        == ("the limit of /shop was reached 3 times within an hour",)


def test_failed_allocations_are_told_with_their_orders() -> None:
    failed = tuple(FailedAllocation(None, order, 0x1D2) for order in (0, 2, 0))
    assert told([event(failed_allocations=failed)]) == [("3 allocations of the kernel failed (order 0, 2)",)]


@pytest.mark.slow
def test_a_long_log_is_remembered_in_part() -> None:
    past = Past()
    for number in range(5000):
        past.before(killing(float(number), f"p{number}"))
    assert len(past._died) == 4096

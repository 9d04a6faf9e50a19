"""Since when something comes faster, and how surely that can be told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.report.arrivals import Arrivals, arrivals
from watchdog_oom.report.model import Decline, HostHistory, HostPoint

LINE = ("master", "smtpd")


def came(times: Sequence[float], *, since: float = 0.0, falls: float = 1000.0,
         worst: float = 1300.0) -> Arrivals | None:
    """Those that began at these times, in a recording since then, where memory fell from ``falls`` to ``worst``."""
    history = HostHistory((HostPoint(since),), evenly={LINE: tuple(times)})
    return arrivals(history, Decline(HostPoint(falls), HostPoint(worst), 1, from_start=False), lambda line: True)


def test_a_flood_after_a_few_calm_minutes_is_seen_from_its_first_mail_on() -> None:
    flood = [1000.0 + 4 * number for number in range(70)]
    found = came([830.0, *flood], since=700.0)
    assert found is not None
    assert (found.births, found.first) == (70, 1000.0)
    assert found.rose
    assert found.factor is not None
    assert found.factor > 20


def test_what_came_steadily_from_the_beginning_on_is_no_flood() -> None:
    steady = came([20.0 * number for number in range(250)], falls=4000.0, worst=5000.0)
    assert steady is not None
    assert not steady.rose
    assert steady.factor == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize(("since", "why"), [(990.0, "ten seconds before"), (940.0, "a minute before")])
def test_after_too_short_a_time_it_cannot_be_told_how_often_they_came_before(since: float, why: str) -> None:
    found = came([1000.0 + 4 * number for number in range(70)], since=since)
    assert found is not None, why
    assert found.factor is None, why


def test_five_that_came_in_an_hour_after_none_for_some_minutes_may_be_an_accident() -> None:
    found = came([4000.0 + 700 * number for number in range(5)], since=3600.0, falls=4000.0, worst=7300.0)
    assert found is not None
    assert found.factor is None


def test_a_flood_that_lasts_for_hours_before_memory_falls_is_seen_from_its_beginning_on() -> None:
    calm = [900.0 * number for number in range(24)]
    flood = [21_600.0 + 60 * number for number in range(90)]
    found = came(sorted([*calm, *flood]), falls=25_500.0, worst=27_000.0)
    assert found is not None
    assert found.first == 21_600.0
    assert found.factor == pytest.approx(15, rel=0.15)


@given(times=st.lists(st.floats(0, 2000), max_size=60).map(sorted), since=st.floats(0, 1000))
def test_the_first_is_one_of_them_and_never_after_the_worst_moment(times: list[float], since: float) -> None:
    found = came([at for at in times if at >= since], since=since)
    if found is not None:
        assert found.first in times
        assert found.first <= 1300.0
        assert 1 <= found.births <= len(times)
        assert found.factor is None or found.factor > 0

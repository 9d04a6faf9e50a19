"""Which ticks are recorded: what holds for any night, and the moments that matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.recorder.cadence import MOST_CREDIT, RING_TICKS, Cadence, SampleVerdict

TICKS = st.lists(st.tuples(st.floats(0.05, 2.0), st.booleans(), st.booleans()), max_size=400)
EVERY = 10.0


def judged(ticks: list[tuple[float, bool, bool]], every: float = EVERY) -> list[tuple[float, SampleVerdict]]:
    """Each tick's time and verdict; ``ticks`` are pause, pressing, opening."""
    cadence, now, found = Cadence(every), 1000.0, []
    for pause, pressing, opening in ticks:
        now += pause
        verdict, cadence = cadence.judge(now, pressing=pressing, opening=opening)
        found.append((now, verdict))
    return found


@given(TICKS)
def test_there_is_always_a_sample_by_the_clock(ticks: list[tuple[float, bool, bool]]) -> None:
    last = None
    for now, verdict in judged(ticks):
        if verdict.due:
            assert last is None or EVERY * 0.4 <= now - last <= EVERY + 2.0
            last = now
        assert last is not None and now - last < EVERY + 2.0


@given(st.lists(st.floats(0.05, 2.0), max_size=400))
def test_a_calm_host_has_the_samples_by_the_clock_and_no_others(pauses: list[float]) -> None:
    for _, verdict in judged([(pause, False, False) for pause in pauses]):
        assert not (verdict.at_once or verdict.ring or verdict.keyframe)


@given(TICKS)
def test_what_opens_is_recorded_at_once_and_as_a_whole(ticks: list[tuple[float, bool, bool]]) -> None:
    last = float("-inf")
    for (now, verdict), (_, _, opening) in zip(judged(ticks), ticks, strict=True):
        assert verdict.keyframe == (opening and now - last >= 60.0)
        if verdict.keyframe:
            assert verdict.at_once
            last = now


def test_every_tick_near_a_threshold_is_recorded_and_the_minute_before_the_first() -> None:
    found = [verdict for _, verdict in judged([(1.0, number >= 100, False) for number in range(200)])]
    assert all(verdict.at_once for verdict in found[100:])
    assert [number for number, verdict in enumerate(found) if verdict.ring] == [100]


def test_an_opening_has_the_minute_before_it() -> None:
    found = [verdict for _, verdict in judged([(1.0, False, number == 100) for number in range(102)])]
    assert found[100] == SampleVerdict(due=True, at_once=True, ring=True, keyframe=True)
    assert found[101] == SampleVerdict()


@pytest.mark.slow
def test_a_host_that_is_tight_for_days_has_twice_the_samples_and_no_more() -> None:
    seconds = 86_400
    found = [verdict for _, verdict in judged([(1.0, True, number % 100 == 0) for number in range(seconds)])]
    by_the_clock = sum(verdict.due for verdict in found)
    beyond = sum(verdict.at_once and not verdict.due for verdict in found) + RING_TICKS * sum(v.ring for v in found)
    assert abs(by_the_clock - seconds / EVERY) <= 2
    assert beyond <= MOST_CREDIT + seconds / EVERY + seconds / 100


def test_a_clock_that_stood_still_gives_no_burst_of_samples() -> None:
    found = judged([(1.0, False, False), (86_400.0, False, False), *[(1.0, False, False)] * 20])
    assert sum(verdict.due for _, verdict in found) == 4

"""Samples in the order of time, each reading once, in flat memory."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recorder.nights import MIDNIGHT, at
from watchdog_oom.recorder.in_order import MOST_LATE, in_order, jumps_told
from watchdog_oom.recorder.sample import Sample, SampleKind


def sample(second: float, *, boot: str = "b", set_by: float = 0.0, read: float | None = None) -> Sample:
    return Sample(at(MIDNIGHT + second, boot=boot, set_by=set_by), SampleKind.CALM, read_boottime=read)


def seconds(found: Iterator[Sample]) -> list[float]:
    return [each.snapshot.clock.wall - MIDNIGHT for each in found]


@settings(deadline=None)
@given(st.lists(st.integers(0, 300), max_size=200, unique=True).map(sorted), st.integers(1, 60), st.integers(0, 200))
def test_a_ring_that_was_written_late_is_put_where_it_belongs(times: list[int], length: int, opened: int) -> None:
    ring = [time + 0.5 for time in times[max(0, opened - length):opened]]
    written = [*times[:opened], *ring, *times[opened:]]
    assert seconds(in_order(map(sample, written))) == sorted(written)


def test_a_reading_that_was_written_twice_comes_once_but_never_what_was_read_besides() -> None:
    written = [sample(1), sample(2), sample(1), sample(2, read=5.0), sample(2, read=6.0)]
    assert seconds(in_order(written)) == [1, 2, 2, 2]


def test_a_boot_is_not_mixed_with_another_though_its_clock_begins_anew() -> None:
    written = [sample(100), sample(50, boot="other"), sample(60, boot="other")]
    assert seconds(in_order(written)) == [100, 50, 60]


def test_no_more_are_held_back_than_a_ring_can_be_late() -> None:
    taken = 0

    def counted() -> Iterator[Sample]:
        nonlocal taken
        for second in range(1000):
            taken += 1
            yield sample(second)

    found = in_order(counted())
    next(found)
    assert taken <= MOST_LATE + 1


def test_a_date_that_is_set_is_told_and_a_clock_that_drifts_is_not() -> None:
    told: list[str] = []
    night = [sample(1), sample(2, set_by=0.5), sample(3, set_by=3600.0), sample(4, set_by=3600.0), sample(5),
             sample(6, boot="other", set_by=99.0)]
    assert list(jumps_told(night, lambda _, words: told.append(words))) == night
    assert told == ["the clock was set forward by 1h", "the clock was set back by 1h"]

"""Readings that are kept for a while, and no longer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.host.processes.lasting import LastingReading


@given(st.integers(1, 1 << 22), st.lists(st.floats(0.01, 20.0), max_size=30))
def test_a_reading_is_never_older_than_its_time(pid: int, pauses: list[float]) -> None:
    now = 100.0
    reading = LastingReading(lambda _: int(now * 1000), 10.0)
    for pause in pauses:
        now += pause
        value = reading.of(pid, now)
        assert value is not None and now - 10.001 <= value / 1000 <= now


def test_the_processes_are_read_again_one_after_the_other_not_all_at_one_scan() -> None:
    asked: list[int] = []
    reading = LastingReading(lambda pid: asked.append(pid) or 1, 30.0)  # type: ignore[func-returns-value]
    most = 0
    for second in range(61):
        asked.clear()
        for pid in range(1000):
            reading.of(pid, float(second))
        most = max(most, len(asked)) if second else 0
    assert 0 < most <= 200


def test_what_could_not_be_read_is_tried_again_at_once() -> None:
    answers = iter([None, 7])
    reading = LastingReading(lambda _: next(answers), 30.0)
    assert [reading.of(5, 1.0), reading.of(5, 1.1), reading.of(5, 1.2)] == [None, 7, 7]


def test_whoever_is_gone_or_asked_about_no_more_is_read_anew() -> None:
    answers = iter([1, 2, 3, 4])
    reading = LastingReading(lambda _: next(answers), 30.0)
    assert (reading.of(5, 1.0), reading.of(6, 1.0)) == (1, 2)
    reading.forget(5)
    reading.keep_only({5})
    assert (reading.of(5, 1.1), reading.of(6, 1.1)) == (3, 4)

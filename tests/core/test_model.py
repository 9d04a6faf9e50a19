"""Clocks, percentages, identities."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import proc, snapshot
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.model import Clock, ProcessId
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Hours

DAY = 86400.0


@pytest.mark.parametrize(("jump", "stamped_after", "age"), [
    (DAY, False, 100.0), (-DAY, False, 100.0), (DAY, True, 50.0), (-DAY, True, 50.0)])
def test_a_jump_of_the_date_by_a_day_makes_nothing_old(jump: float, stamped_after: bool, age: float) -> None:
    old_offset, new_offset = 1e9, 1e9 + jump
    clock = Clock(wall=1000.0 + new_offset, boottime=1000.0, offsets=(old_offset, new_offset))
    stamp = 1000.0 - age + (new_offset if stamped_after else old_offset)
    assert clock.age_of_stamp(stamp) <= age
    if jump > 0:
        assert clock.age_of_stamp(stamp) == age


def test_a_stamp_in_the_future_has_no_age() -> None:
    assert Clock(wall=1000.0, boottime=10.0).age_of_stamp(2000.0) == 0.0


@given(offsets=st.lists(st.floats(0, 2e9), max_size=4), stamp=st.floats(0, 3e9), wall=st.floats(1e6, 2e9))
def test_an_age_is_never_negative_and_never_more_than_the_present_clock_says_of_the_past(
        offsets: list[float], stamp: float, wall: float) -> None:
    clock = Clock(wall=wall, boottime=1e6, offsets=tuple(offsets))
    age = clock.age_of_stamp(stamp)
    assert age >= 0.0
    if stamp <= wall:
        assert age <= wall - stamp + 1e-3


def test_the_age_of_a_process_goes_by_the_boot_clock_and_is_never_negative() -> None:
    process = proc(10, age=60.0)
    assert process.age_seconds(snapshot().clock) == 60.0
    assert process.age_seconds(Clock(wall=0.0, boottime=1.0)) == 0.0


def test_percentages_of_memory_count_what_user_space_can_have() -> None:
    assert Memory(1000, 100, 300, 200, 50).available_percent == 25.0
    assert Memory(1000, 100, 300, 200, 50).swap_free_percent == 25.0
    assert Memory(1000, 0, 0, 0, 0).available_percent == 100.0
    assert Memory(1000, 0, 0, 0, 0).swap_free_percent == 0.0


@pytest.mark.parametrize(("state", "threads", "dead"), [
    ("Z", 1, True), ("X", 1, True), ("Z", 2, False), ("S", 1, False), ("D", 1, False), ("T", 1, False)])
def test_dead_means_a_zombie_without_living_threads(state: str, threads: int, dead: bool) -> None:
    assert proc(10, state=state, threads=threads).dead is dead


def test_alive_means_the_same_identity() -> None:
    process = proc(10, start=5)
    seen = snapshot(process)
    assert seen.alive(ProcessId(10, 5)) is process
    assert seen.alive(ProcessId(10, 6)) is None and seen.alive(ProcessId(11, 5)) is None
    assert snapshot(replace(process, state="Z")).alive(process.id) is None
    assert str(process.id) == "10@5"


def test_a_size_is_bytes_or_a_percentage_of_what_is_there() -> None:
    assert Size(amount_bytes=10).of(1000) == 10 and Size(percent=10.0).of(1000) == 100.0
    assert Size(amount_bytes=10).scaled(0.5) == Size(amount_bytes=5)
    assert Size(percent=9.0).scaled(0.5) == Size(percent=4.5)


@pytest.mark.parametrize(("hours", "inside", "outside"), [
    (Hours(), [0, 1439], []),
    (Hours(22 * 60, 6 * 60), [22 * 60, 1439, 0, 359], [360, 720, 1319]),
    (Hours(8 * 60, 18 * 60), [480, 1079], [479, 1080]),
    (Hours(300, 300), [0, 300, 1439], [])])
def test_hours_may_pass_midnight_and_end_before_their_end(hours: Hours, inside: list[int], outside: list[int]) -> None:
    assert all(hours.contain(minute) for minute in inside)
    assert not any(hours.contain(minute) for minute in outside)


def test_hours_are_printed_as_written() -> None:
    assert str(Hours(22 * 60 + 5, 6 * 60)) == "22:05-06:00"

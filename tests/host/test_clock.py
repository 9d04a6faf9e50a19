"""Clocks: a jump of the date is remembered, a slow correction is not."""

import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.host.clock import boot_id, read_clock, with_offset


def test_the_clock_is_now() -> None:
    clock = read_clock()
    local = time.localtime()
    assert abs(clock.wall - time.time()) < 5
    assert abs(clock.boottime - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5
    assert (local.tm_hour * 60 + local.tm_min - clock.local_minute) % 1440 in (0, 1)
    assert clock.offsets == (clock.wall - clock.boottime,)


def test_a_second_reading_adds_no_offset() -> None:
    first = read_clock()
    assert read_clock(first.offsets).offsets == first.offsets


def test_a_jump_of_the_date_is_remembered_and_makes_nothing_old() -> None:
    yesterday = time.time() - 86400 - time.clock_gettime(time.CLOCK_BOOTTIME)
    clock = read_clock((yesterday,))
    assert len(clock.offsets) == 2
    stamped_before_the_jump = clock.boottime - 30 + yesterday
    assert clock.age_of_stamp(stamped_before_the_jump) < 60


def test_only_the_last_sixteen_are_kept() -> None:
    offsets: tuple[float, ...] = ()
    for jump in range(40):
        offsets = with_offset(offsets, jump * 100.0)
    assert offsets == tuple(jump * 100.0 for jump in range(24, 40))


def test_a_slow_correction_is_noticed_once_it_amounts_to_more_than_a_second() -> None:
    offsets = with_offset((), 1000.0)
    for tenths in range(1, 16):
        offsets = with_offset(offsets, 1000.0 + tenths / 10)
    assert offsets == (1000.0, 1001.1)


@given(st.lists(st.floats(-3, 3), max_size=60))
def test_the_last_offset_is_never_more_than_a_second_off(moves: list[float]) -> None:
    now = 1000.0
    offsets = with_offset((), now)
    for move in moves:
        now += move
        offsets = with_offset(offsets, now)
        assert abs(offsets[-1] - now) <= 1.0
        assert len(offsets) <= 16


def test_the_boot_has_an_identity() -> None:
    assert len(boot_id()) == 36
    assert boot_id() == boot_id()


def test_without_one_it_is_empty(tmp_path: Path) -> None:
    assert boot_id(str(tmp_path)) == ""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.memory import Memory
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Emergency
from watchdog_oom.core.poll_interval import pause_seconds

GIB = 1 << 30


def memory(available: int, swap_free: int = 0, swap_total: int = 0, total: int = 16 * GIB) -> Memory:
    return Memory(total, available, total - available, swap_total, swap_free)


def test_beside_a_full_tmpfs_the_floor_is_what_must_not_be_reached_asleep() -> None:
    tmpfs = Memory(128 * GIB, GIB, 100 << 20, 0, 0)  # 91 % of what user space could have, 824 MiB above the floor
    assert 0.13 < pause_seconds(tmpfs, Emergency()) <= 824 * 1024 / 6e6


def test_where_swap_does_not_matter_free_swap_adds_no_room() -> None:
    rule = Emergency(swap_free_below=Size(percent=100.0))
    assert pause_seconds(memory(2 * GIB, 2 * GIB, 2 * GIB), rule) == pause_seconds(memory(2 * GIB), rule)


def test_far_from_the_threshold_it_sleeps_longest_and_at_the_threshold_shortest() -> None:
    assert pause_seconds(memory(15 * GIB), Emergency()) == 1.0
    assert pause_seconds(memory(GIB), Emergency()) == 0.1


def test_free_swap_adds_to_the_room() -> None:
    without = pause_seconds(memory(2 * GIB), Emergency())
    assert pause_seconds(memory(2 * GIB, GIB, 2 * GIB), Emergency()) > without


def test_without_a_reading_it_keeps_to_the_slowest_pace() -> None:
    assert pause_seconds(None, Emergency(), slowest=0.7) == 0.7


@given(st.integers(0, 16 * GIB), st.integers(0, 4 * GIB), st.one_of(
    st.builds(Size, percent=st.floats(0, 100)), st.builds(Size, amount_bytes=st.integers(0, 16 * GIB))))
def test_it_always_stays_within_its_bounds_and_never_reaches_a_threshold_asleep(
        available: int, swap_free: int, threshold: Size) -> None:
    emergency = Emergency(memory_available_below=threshold)
    now = memory(available, swap_free, 4 * GIB)
    pause = pause_seconds(now, emergency)
    assert 0.1 <= pause <= 1.0
    if pause > 0.1:
        floor = threshold.of(now.total_bytes)
        memory_seconds = max(0.0, available - floor) / 1024 / 6e6
        swap_seconds = max(0.0, swap_free - emergency.swap_free_below.of(4 * GIB)) / 1024 / 8e5
        assert pause <= memory_seconds + swap_seconds + 1e-6

"""When the emergency is met: both measures, the floor, pressure, and that less memory never makes it less met."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import MIB, memory, mib, percent, policy, snapshot
from watchdog_oom.core.memory import Memory, Pressure
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Emergency
from watchdog_oom.core.shortage import (
    desperate,
    evidence,
    floor_bytes,
    imminent,
    memory_low,
    met,
    missing_bytes,
    near,
    pressure_evidence,
)
from watchdog_oom.core.view import View

GIB = 1024 * MIB
RULE = Emergency(percent(20.0), percent(20.0))
HIDDEN = Memory(16 * GIB, 80 * MIB, 178 * MIB, 0, 0)  # 31 % of what user space could have


def test_near_means_below_twice_both_thresholds() -> None:
    emergency = Emergency(percent(10.0), percent(10.0))
    assert near(memory(19.0, 19.0), emergency)
    assert not near(memory(21.0, 19.0), emergency)
    assert not near(memory(19.0, 21.0), emergency)
    assert near(memory(19.0, 0.0, swap_total=0), emergency)
    assert near(memory(50.0, 50.0), Emergency(percent(60.0), percent(60.0)))
    assert near(memory(10.0, 10.0), Emergency(mib(50), mib(30)))
    assert not near(memory(13.0, 10.0), Emergency(mib(50), mib(30)))


@pytest.mark.parametrize(("available", "swap_free", "expected"), [
    (81.0, 81.0, (False, False, False)), (79.0, 81.0, (False, False, False)), (79.0, 79.0, (True, False, False)),
    (39.0, 79.0, (True, False, False)), (39.0, 39.0, (True, True, False)), (19.0, 39.0, (True, True, False)),
    (19.0, 19.0, (False, True, True))])
def test_an_emergency_is_imminent_then_near_then_met(
        available: float, swap_free: float, expected: tuple[bool, bool, bool]) -> None:
    now = memory(available, swap_free)
    assert (imminent(now, RULE), near(now, RULE), met(now, RULE)) == expected


def test_near_is_also_half_of_the_pressure_that_is_needed_while_memory_is_short() -> None:
    short, room = memory(15.0, 90.0), memory(17.0, 90.0)
    assert near(short, Emergency(), Pressure(50.0, 36.0))
    assert not near(short, Emergency(), Pressure(50.0, 34.0))
    assert not near(short, Emergency(), None) and not near(room, Emergency(), Pressure(99.0, 99.0))
    assert not near(short, Emergency(pressure_full_above=100.0), Pressure(99.0, 99.0))


@pytest.mark.parametrize(("total_mib", "threshold", "expected_mib"), [
    (64, percent(8.0), 5.12), (256, percent(8.0), 16), (1024, percent(8.0), 16), (4096, percent(8.0), 40.96),
    (16384, percent(8.0), 163.84), (65536, percent(8.0), 200), (65536, percent(0.1), 65.536), (1024, percent(0.0), 0),
    (16384, mib(50), 0)])
def test_the_floor_is_1_percent_of_ram_within_bounds_and_never_more_than_the_threshold(
        total_mib: int, threshold: Size, expected_mib: float) -> None:
    floor = floor_bytes(Memory(total_mib * MIB, 0, 0, 0, 0), threshold)
    assert floor == pytest.approx(expected_mib * MIB, rel=0.01)


def test_below_the_floor_it_is_met_whatever_the_share_says_and_the_evidence_tells_the_floor() -> None:
    assert met(HIDDEN, Emergency())
    assert not desperate(replace(HIDDEN, available_bytes=90 * MIB), Emergency())
    assert not met(replace(HIDDEN, available_bytes=170 * MIB), Emergency())
    assert desperate(replace(HIDDEN, available_bytes=70 * MIB), Emergency())
    found, swap = evidence(View(snapshot(memory=HIDDEN), policy()), Emergency())
    assert found.holds and swap.holds
    assert found.words == "memory available is 31% (80 MiB; threshold 8%, but never less than 164 MiB)"


def test_the_floor_does_not_make_free_swap_worthless() -> None:
    assert not met(replace(HIDDEN, swap_total_bytes=GIB, swap_free_bytes=GIB), Emergency())
    assert met(replace(HIDDEN, swap_total_bytes=GIB, swap_free_bytes=GIB), Emergency(swap_free_below=percent(100.0)))


def test_what_is_missing_to_the_floor_counts_only_where_the_floor_alone_speaks() -> None:
    assert missing_bytes(HIDDEN, percent(8.0)) == pytest.approx(83.84 * MIB, rel=0.01)
    assert missing_bytes(replace(HIDDEN, anonymous_bytes=8 * GIB), percent(8.0)) == 0
    assert missing_bytes(replace(HIDDEN, available_bytes=GIB), percent(8.0)) == 0


@pytest.mark.parametrize("threshold", [percent(100.0), mib(512), mib(4096)])
def test_a_threshold_of_all_swap_or_more_means_that_swap_does_not_matter(threshold: Size) -> None:
    rule = replace(RULE, swap_free_below=threshold)
    for swap_free in (0.0, 60.0, 100.0):
        assert met(memory(19.0, swap_free), rule) and desperate(memory(9.0, swap_free), rule)
        assert not met(memory(21.0, swap_free), rule)
    words = evidence(View(snapshot(memory=memory(19.0, 100.0)), policy()), rule)[1].words
    assert words.startswith("swap does not matter (threshold ")


def test_pressure_is_evidence_with_the_shortage_and_nothing_where_it_is_switched_off() -> None:
    view = View(snapshot(memory=memory(10.0, 60.0), pressure=Pressure(97.0, 85.0)), policy())
    assert [finding.holds for finding in pressure_evidence(view, Emergency())] == [True, True]
    assert pressure_evidence(view, Emergency(pressure_full_above=100.0)) == ()
    blind = View(snapshot(memory=None, pressure=None), policy())
    assert [finding.known for finding in pressure_evidence(blind, Emergency())] == [False, False]


@st.composite
def readings(draw: st.DrawFn) -> Memory:
    total = draw(st.integers(16 * MIB, 64 * GIB))
    available = draw(st.integers(0, total))
    anonymous = draw(st.integers(0, total - available))
    shared = draw(st.integers(0, total - available - anonymous))
    swap = draw(st.integers(0, 8 * GIB))
    return Memory(total, available, anonymous, swap, draw(st.integers(0, swap)), shared)


sizes = st.one_of(st.builds(Size, percent=st.floats(0, 100)), st.builds(Size, amount_bytes=st.integers(0, 8 * GIB)))
rules = st.builds(Emergency, memory_available_below=sizes, swap_free_below=sizes)


@given(readings(), rules, st.integers(0, 64 * GIB), st.integers(0, 8 * GIB))
def test_less_memory_or_less_swap_never_makes_an_emergency_less_met(
        now: Memory, rule: Emergency, less: int, less_swap: int) -> None:
    worse = replace(now, available_bytes=max(0, now.available_bytes - less),
                    swap_free_bytes=max(0, now.swap_free_bytes - less_swap))
    for judge in (near, met, desperate):
        assert judge(worse, rule) or not judge(now, rule), judge


@given(readings(), rules, st.integers(0, 8 * GIB))
def test_more_that_processes_hold_never_makes_an_emergency_less_met(now: Memory, rule: Emergency, more: int) -> None:
    room = now.total_bytes - now.userspace_bytes
    held = replace(now, shared_bytes=now.shared_bytes + min(more, room))
    assert met(held, rule) or not met(now, rule)


@given(readings(), rules)
def test_desperate_is_met_and_met_is_near_and_what_is_met_is_not_imminent(now: Memory, rule: Emergency) -> None:
    assert met(now, rule) or not desperate(now, rule)
    assert near(now, rule) or not met(now, rule)
    assert not (imminent(now, rule) and met(now, rule))


@given(readings(), sizes, st.floats(0, 100))
def test_a_higher_threshold_is_met_earlier(now: Memory, threshold: Size, more: float) -> None:
    if threshold.percent is None:
        higher = Size(amount_bytes=(threshold.amount_bytes or 0) + int(more * MIB))
    else:
        higher = Size(percent=min(100.0, threshold.percent + more))
    assert memory_low(now, higher) or not memory_low(now, threshold)

"""Waiting between two ticks: for the clock, for a readable descriptor, for a glance that finds an emergency."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from watchdog_oom.daemon.wait import GLANCE_SECONDS, SHORTEST_SECONDS, LoopWait


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        os.close(fd)


def waited(waiting: LoopWait, seconds: float, *, glancing: bool) -> float:
    began = time.monotonic()
    waiting.until(began + seconds, glancing=glancing)
    waiting.close()
    return time.monotonic() - began


@pytest.mark.parametrize("glancing", [True, False])
def test_it_waits_until_the_time_where_nothing_happens(pipe: tuple[int, int], glancing: bool) -> None:
    assert waited(LoopWait(pipe[:1], lambda: False), 0.2, glancing=glancing) >= 0.2


@pytest.mark.parametrize("glancing", [True, False])
def test_it_wakes_up_when_something_can_be_read(pipe: tuple[int, int], glancing: bool) -> None:
    os.write(pipe[1], b"x")
    assert waited(LoopWait(pipe[:1], lambda: False), 30.0, glancing=glancing) < 10


def test_a_glance_that_finds_an_emergency_ends_it(pipe: tuple[int, int]) -> None:
    glances = iter([False, False, True])
    took = waited(LoopWait(pipe[:1], lambda: next(glances)), 30.0, glancing=True)
    assert 3 * GLANCE_SECONDS <= took < 10


def test_nobody_glances_where_it_is_not_asked_for(pipe: tuple[int, int]) -> None:
    def glance() -> bool:
        raise AssertionError("glanced")

    waited(LoopWait(pipe[:1], glance), 0.1, glancing=False)


@pytest.mark.parametrize("seconds", [-1.0, 30.0])
def test_a_storm_of_wake_ups_is_no_storm_of_ticks(pipe: tuple[int, int], seconds: float) -> None:
    os.write(pipe[1], b"x")
    assert SHORTEST_SECONDS <= waited(LoopWait(pipe[:1], lambda: True), seconds, glancing=True) < 10


def test_a_time_that_is_past_is_not_waited_for(pipe: tuple[int, int]) -> None:
    assert waited(LoopWait(pipe[:1], lambda: False), -1.0, glancing=True) < 1

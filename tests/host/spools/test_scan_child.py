"""One child and its pipes: what it tells, that it never holds anybody up, how its silence is judged."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from watchdog_oom.core.model import SpoolState
from watchdog_oom.host.processes.procfs import read_stat
from watchdog_oom.host.spools.scan_child import ScanChild, Work
from watchdog_oom.host.spools.scan_messages import MOST_LINE_BYTES, Scanned, scanned_line
from watchdog_oom.host.spools.signs_of_life import SignsOfLife

Begin = Callable[[Work], ScanChild]


@pytest.fixture
def begin() -> Iterator[Begin]:
    made: list[ScanChild] = []

    def start(work: Work) -> ScanChild:
        made.append(ScanChild(work, 0.0))
        return made[-1]

    yield start
    for child in made:
        child.kill()
        child.reaped(1.0)
        child.close()


def asleep(signs: SignsOfLife, orders_fd: int, news_fd: int) -> None:
    signs.tell(2)
    time.sleep(60)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 4
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_news_come_in_whole_lines_and_what_makes_no_sense_is_left_out(begin: Begin) -> None:
    line = scanned_line("s", SpoolState(1.0, entries=7))

    def work(signs: SignsOfLife, orders_fd: int, news_fd: int) -> None:
        os.write(news_fd, line[:9])
        os.read(orders_fd, 10)
        os.write(news_fd, line[9:] + b"nonsense\n" + line)

    child = begin(work)
    until(lambda: child.watch(0.0) == 0)
    assert child.news() == []
    child.send(b"go\n")
    told: list[object] = []


    def all_told() -> bool:
        told.extend(child.news())
        return child.over

    until(all_told)
    assert told == [Scanned("s", SpoolState(1.0, entries=7))] * 2
    until(lambda: child.reaped() == 0)


def test_orders_that_nobody_takes_up_neither_block_nor_pile_up(begin: Begin) -> None:
    child = begin(asleep)
    for _ in range(400):
        child.send(b"x" * 9_999 + b"\n")
    assert child.congested
    assert len(child._unsent) < MOST_LINE_BYTES + 10_000


def test_silence_is_counted_between_two_looks_and_a_pause_of_ours_proves_nothing(begin: Begin) -> None:
    child = begin(asleep)
    until(lambda: child.watch(0.0) == 2)
    assert child.silent_seconds == 0
    child.watch(1.0)
    child.watch(2.5)
    assert child.silent_seconds == 2.5
    child.watch(1000.0)
    assert child.silent_seconds == 4.5


def test_a_child_that_is_killed_is_over_and_reaped(begin: Begin) -> None:
    child = begin(asleep)
    assert child.reaped() is None
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: child.news() == [] and child.over)
    assert child.reaped(1.0) == 128 + signal.SIGKILL
    assert read_stat("/proc", child.pid) is None

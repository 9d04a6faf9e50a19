"""Children with a deadline: reported once, killed in time, reaped always."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator

import pytest

from watchdog_oom.host.children.spawn import spawn_program
from watchdog_oom.host.children.supervisor import ChildSupervisor, Ended


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def watched() -> Iterator[ChildSupervisor]:
    children = ChildSupervisor()
    before = len(os.listdir("/proc/self/fd"))
    yield children
    for key in children:
        children.kill(key)
    # Only a reaped child gives its descriptors back.
    until(lambda: children.poll(0.0) == () and len(os.listdir("/proc/self/fd")) == before)
    children.close()
    assert len(os.listdir("/proc/self/fd")) == before - 1


def readable(watched: ChildSupervisor) -> bool:
    return bool(select.select([watched], [], [], 0)[0])


def shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


def test_an_end_wakes_the_loop_and_is_told_once(watched: ChildSupervisor) -> None:
    watched.add("a", spawn_program(shell("echo words; exit 3")), 60, now=100.0)
    assert "a" in watched
    until(lambda: readable(watched))
    assert watched.poll(101.5) == (Ended("a", 3, "words", 100.0, 1.5),)
    assert watched.poll(102.0) == ()
    assert len(watched) == 0
    assert not readable(watched)


def test_one_that_is_overdue_is_killed_and_told_at_once_and_reaped_later(watched: ChildSupervisor) -> None:
    child = spawn_program(shell("sleep 60"))
    watched.add("slow", child, 5, now=100.0)
    assert watched.poll(104.9) == ()
    assert watched.poll(105.0) == (Ended("slow", None, "", 100.0, 5.0),)
    until(lambda: readable(watched))
    assert watched.poll(106.0) == ()
    with pytest.raises(ChildProcessError):
        os.waitpid(child.pid, os.WNOHANG)


def test_one_that_ended_before_the_late_loop_looked_did_not_miss_its_deadline(watched: ChildSupervisor) -> None:
    watched.add("a", spawn_program(shell("exit 0")), 5, now=100.0)
    until(lambda: readable(watched))
    assert [ended.exit_status for ended in watched.poll(5000.0)] == [0]


def test_a_clock_that_runs_backwards_gives_no_negative_times(watched: ChildSupervisor) -> None:
    watched.add("a", spawn_program(shell("exit 0")), 5, now=100.0)
    until(lambda: readable(watched))
    assert [ended.took_seconds for ended in watched.poll(1.0)] == [0.0]


def test_what_a_child_prints_is_held_down_while_it_runs(watched: ChildSupervisor) -> None:
    child = spawn_program(("yes",))
    watched.add("flood", child, 60, now=0.0)
    until(lambda: os.fstat(child.output_fd).st_size > 1 << 20)
    watched.poll(1.0)
    os.kill(child.pid, 19)
    until(lambda: not watched.poll(1.0) and os.fstat(child.output_fd).st_size <= 1 << 20)


def test_closing_ends_nothing(watched: ChildSupervisor) -> None:
    other = ChildSupervisor()
    child = spawn_program(("sleep", "60"))
    other.add("a", child, 60, now=0.0)
    other.close()
    assert os.waitpid(child.pid, os.WNOHANG) == (0, 0)
    os.kill(child.pid, 9)
    os.waitpid(child.pid, 0)

"""Who held the memory, by name."""

from __future__ import annotations

from tests.kernel_log.made import MIB, event, task
from watchdog_oom.kernel_log.holders import holders
from watchdog_oom.kernel_log.model import Task


def test_processes_of_one_name_are_one_holder_with_swap_and_share() -> None:
    many = [task(100 + number, "apache2", 2, swap_bytes=MIB) for number in range(222)]
    held = holders(event(tasks=(task(1, "mysqld", 300), *many, task(2, "init", 126))))
    assert held.groups[0].words == "222 apache2 hold 61%: 444 MiB in RAM, 222 MiB in swap"
    assert held.groups[1].words == "mysqld[1] holds 27%: 300 MiB in RAM"
    assert held.processes == 224
    assert held.of("init") is not None
    assert held.of("nobody") is None


def test_threads_and_double_rows_count_once() -> None:
    rows = (task(5, "java", 100), Task(6, "java", tgid=5, rss_bytes=100 * MIB), task(5, "java", 100),
            Task(9, "x", tgid=8, rss_bytes=MIB))
    held = holders(event(tasks=rows))
    assert [(group.comm, group.count) for group in held.groups] == [("java", 1), ("x", 1)]


def test_more_than_there_is_means_that_they_share() -> None:
    assert holders(event(tasks=tuple(task(number, "postgres", 200) for number in range(1, 9)))).shared
    assert not holders(event(tasks=(task(1, "a", 900),))).shared


def test_swap_that_the_kernel_does_not_tell_is_not_told() -> None:
    assert not holders(event(tasks=(task(1, "a", 9, swap_bytes=None),))).swap_told


def test_a_hostile_name_is_escaped_and_a_small_share_is_no_zero() -> None:
    held = holders(event(tasks=(task(1, "big", 900), task(2, "a\x1b[2J", 1))))
    assert held.groups[1].words == "a\\x1b[2J[2] holds under 1%: 1 MiB in RAM"


def test_no_tasks_are_no_holders() -> None:
    assert holders(event()).groups == ()
    assert holders(event(tasks=(task(1, "zombie", 0),))).groups[0].share == 0.0

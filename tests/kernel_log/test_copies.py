"""Which events are the same one again."""

from __future__ import annotations

from tests.kernel_log import reports
from tests.kernel_log.made import at, event, kill
from watchdog_oom.kernel_log.copies import Copies
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.lean_dataclasses import replace

ONE = event(kills=(kill(5, "java", 700, total_vm_bytes=1 << 30),), time=at(1000.0))


def test_the_same_kill_with_the_same_numbers_is_a_copy_in_whatever_clock() -> None:
    copies = Copies()
    assert not copies.has(ONE)
    assert copies.has(ONE)
    assert copies.has(replace(ONE, time=None))
    assert copies.count == 2


def test_other_numbers_another_process_or_another_time_are_another_event() -> None:
    copies = Copies()
    assert not copies.has(ONE)
    assert not copies.has(replace(ONE, time=at(5000.0)))
    assert not copies.has(replace(ONE, kills=(kill(6, "java", 700, total_vm_bytes=1 << 30),)))
    assert not copies.has(replace(ONE, kills=(kill(5, "java", 701, total_vm_bytes=1 << 30),)))


def test_an_event_that_tells_more_than_the_first_copy_is_told() -> None:
    copies = Copies()
    assert not copies.has(replace(ONE, parts=frozenset({"kill"})))
    assert not copies.has(ONE)


def test_lines_with_too_few_numbers_are_never_called_a_copy() -> None:
    copies = Copies()
    bare = event(kills=(kill(5, "java"),), meminfo={}, zones=())
    assert not copies.has(bare)
    assert not copies.has(bare)


def test_a_part_of_a_report_that_is_quoted_further_down_is_a_copy() -> None:
    report = reports.GLOBAL_6_1
    zones = "".join(f"{line}\n" for line in report.splitlines() if line.startswith("Node 0") and "free:" in line)
    copies = Copies()
    told = [copies.has(one) for one in events_in([f"{report}as we see:\n{zones}".encode()])]
    assert told == [False, True]


def test_the_memory_of_it_does_not_grow_with_the_log() -> None:
    copies = Copies()
    for number in range(5000):
        copies.has(replace(ONE, kills=(kill(number + 1, "java", 700, total_vm_bytes=1 << 30),), meminfo={}, zones=()))
    assert not copies.has(replace(ONE, kills=(kill(1, "java", 700, total_vm_bytes=1 << 30),), meminfo={}, zones=()))

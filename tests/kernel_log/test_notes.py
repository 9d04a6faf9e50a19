"""What makes a report doubtful is said with it."""

from __future__ import annotations

from tests.kernel_log import reports
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.model import Event


def read(text: str) -> Event:
    return next(iter(events_in([text.encode()])))


def test_a_whole_report_needs_no_note() -> None:
    for text in (reports.GLOBAL_6_1, reports.GROUP_V2_5_15, reports.PANIC_4_19, reports.LOW_2_6_9):
        assert (read(text).notes, read(text).suppressed_lines) == ((), 0)


def test_numbers_that_do_not_fit_each_other() -> None:
    assert read(reports.GLOBAL_6_1.replace("262011 pages RAM", "2620110 pages RAM")).notes == (
        "the zones have 1023 MiB, but the report counts 10.0 GiB of RAM: zones are missing, or numbers were changed",)


def test_a_table_that_was_not_printed() -> None:
    lines = [line for line in reports.GLOBAL_6_1.splitlines(True)
             if not line.startswith(("Tasks state", "[  pid", "[   "))]
    assert read("".join(lines)).notes == (
        "there is no table of tasks: vm.oom_dump_tasks is 0, or its lines are missing",)


def test_lines_that_the_kernel_dropped_are_counted() -> None:
    text = reports.GLOBAL_6_1.replace("Mem-Info:\n", "** 12 printk messages dropped **\nMem-Info:\n").replace(
        "oom_reaper", "net_ratelimit: 3 callbacks suppressed\noom_reaper")
    assert read(text).suppressed_lines == 15

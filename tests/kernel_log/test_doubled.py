"""Logs in which two programs wrote each line."""

from __future__ import annotations

import pytest

from tests.kernel_log import reports
from tests.kernel_log.same import facts
from watchdog_oom.kernel_log.events import events_in

SYSLOG = "Nov 26 03:31:00 host kernel: "


@pytest.mark.parametrize("prefixes", [("[  100.000000] ", "[  100.000000] "), ("", ""), (SYSLOG, SYSLOG),
                                      (f"{SYSLOG}[  100.000000] ", SYSLOG)])
@pytest.mark.parametrize("report", ["GLOBAL_6_1", "GROUP_V2_5_15", "LOW_2_6_9"])
def test_a_report_of_doubled_lines_is_told_once(prefixes: tuple[str, str], report: str) -> None:
    text = reports.ALL[report]
    once = [facts(event) for event in events_in([text.encode()])]
    doubled = "".join(f"{prefix}{line}\n" for line in text.splitlines() for prefix in prefixes)
    assert [facts(event) for event in events_in([doubled.encode()])] == once


def test_what_the_kernel_itself_tells_twice_is_two_lines() -> None:
    line = "Memory cgroup out of memory: Killed process 9 (node) total-vm:4kB, anon-rss:2kB, file-rss:0kB\n"
    apart = "".join(f"[  10{second}.000000] {line}" for second in range(2))
    assert [len(event.kills) for event in events_in([apart.encode()])] == [2]
    assert [len(event.kills) for event in events_in([(line * 2).encode()])] == [2]


def test_names_that_2_4_kills_again_and_again_are_as_many_kills() -> None:
    log = f"{SYSLOG}VM: killing process httpd\n" * 3
    assert sum(len(event.kills) for event in events_in([log.encode()])) == 3

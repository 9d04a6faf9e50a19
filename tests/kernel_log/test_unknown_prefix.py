"""Prefixes of a form that nobody told us: the line behind them is found, prose that quotes one is not."""

from __future__ import annotations

import pytest

from tests.kernel_log import reports
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.unknown_prefix import without_unknown

PREFIXES = ["In(05) vcpu-5 - Guest: ", "I1204 10:49:30.127123       1 log_monitor.go:160] ", "root@host:~# ",
            "192.0.2.5:6666 ", "1700475072345 ", "i-0123456789abcdef0\t", '{job="journal", unit="init.scope"} ']


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("report", ["GLOBAL_6_1", "LOW_2_6_9"])
def test_the_numbers_are_those_of_the_report(prefix: str, report: str) -> None:
    text = reports.ALL[report]
    plain = next(events_in([text.encode()]))
    found = next(events_in(["".join(f"{prefix}{line}\n" for line in text.splitlines()).encode()]))
    assert found.zones == plain.zones
    assert found.ram_bytes == plain.ram_bytes
    assert found.tasks == plain.tasks
    assert found.invoker == plain.invoker
    assert [kill.pid for kill in found.kills] == [kill.pid for kill in plain.kills]


@pytest.mark.parametrize("text", [
    "so the kernel told me that Out of memory: Killed process 99 (other) and I did not know why",
    "tmux: server invoked oom-killer: gfp_mask=0xcc0, order=0", "eth0: link is up, 1000 pages of manual"])
def test_prose_and_whole_lines_stay_as_they_are(text: str) -> None:
    assert without_unknown(text) == text


def test_a_name_longer_than_a_name_can_be_ends_with_the_name() -> None:
    assert without_unknown("2026 WARN [host1] sshd invoked oom-killer: gfp_mask=0xcc0") == \
        "sshd invoked oom-killer: gfp_mask=0xcc0"

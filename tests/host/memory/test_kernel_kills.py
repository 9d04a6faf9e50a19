"""Kills from the log, and from the counter where the log was lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog_oom.core.model import Process
from watchdog_oom.host.memory.kernel_kills import KernelKills
from watchdog_oom.host.memory.kmsg import KmsgReader
from watchdog_oom.host.memory.psi import OomKillCounter


def line(pid: int) -> bytes:
    return b"3,901,1,-;Out of memory: Killed process %d (hog) total-vm:1kB, anon-rss:1kB, file-rss:0kB\n" % pid


def nobody(pid: int) -> Process | None:
    return None


class Kernel:
    """A kernel that counts, and whose log is a FIFO; its gaps are those that the reader is told of."""

    def __init__(self, root: Path) -> None:
        os.mkfifo(root / "kmsg")
        self.vmstat = root / "vmstat"
        self.count = 7
        self.counts(0)
        self.log = KmsgReader(str(root / "kmsg"), start_at_end=False)
        self._writer = os.open(root / "kmsg", os.O_WRONLY)
        self.kills = KernelKills(self.log, OomKillCounter(str(root)))

    def counts(self, more: int) -> None:
        self.count += more
        self.vmstat.write_text(f"oom_kill {self.count}\n")

    def logs(self, *pids: int) -> None:
        for pid in pids:
            os.write(self._writer, line(pid))

    def overwrites(self) -> None:
        self.log.lost += 1

    def told(self, at: float) -> list[tuple[int, str]]:
        return [(kill.pid, kill.line if not kill.pid else kill.comm) for kill in self.kills.read(at, nobody)]

    def close(self) -> None:
        os.close(self._writer)
        self.kills.close()


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    made = Kernel(tmp_path)
    yield made
    made.close()


def test_a_kill_that_the_log_told_is_told_once_though_it_is_counted_too(kernel: Kernel) -> None:
    kernel.counts(1)
    kernel.logs(41)
    assert kernel.told(1.0) == [(41, "hog")]
    kernel.overwrites()
    assert kernel.told(2.0) == [] and kernel.told(60.0) == []
    assert (kernel.kills.unnamed, kernel.kills.gaps) == (0, 1)


def test_where_records_were_lost_the_counter_stands_in_for_them_without_a_name(kernel: Kernel) -> None:
    kernel.counts(2)
    kernel.logs(42)
    kernel.overwrites()
    assert kernel.told(1.0) == [
        (42, "hog"), (0, "/proc/vmstat counts 1 OOM kill that the kernel's log did not report")]
    kernel.counts(2)
    kernel.overwrites()
    assert kernel.told(2.0) == [(0, "/proc/vmstat counts 2 OOM kills that the kernel's log did not report")]
    assert kernel.told(3.0) == [] and kernel.kills.unnamed == 3


def test_a_kill_that_is_counted_before_its_line_is_written_waits_for_the_line(kernel: Kernel) -> None:
    kernel.counts(1)
    assert kernel.told(1.0) == []
    kernel.logs(43)
    assert kernel.told(1.1) == [(43, "hog")]
    assert kernel.told(60.0) == []


def test_a_kill_whose_line_never_comes_is_told_in_the_end(kernel: Kernel) -> None:
    kernel.counts(1)
    assert [kernel.told(at) for at in (1.0, 3.0, 5.9)] == [[], [], []]
    assert [pid for pid, _ in kernel.told(6.1)] == [0]
    assert kernel.told(60.0) == []


def test_a_count_before_the_loss_is_told_when_the_loss_shows(kernel: Kernel) -> None:
    kernel.counts(1)
    assert kernel.told(1.0) == []
    kernel.overwrites()
    assert [pid for pid, _ in kernel.told(1.1)] == [0]


def test_a_name_that_comes_after_the_count_was_told_swallows_no_later_kill(kernel: Kernel) -> None:
    kernel.counts(1)
    kernel.overwrites()
    assert [pid for pid, _ in kernel.told(1.0)] == [0]
    kernel.logs(44)
    assert kernel.told(2.0) == [(44, "hog")]
    kernel.counts(1)
    kernel.overwrites()
    assert [pid for pid, _ in kernel.told(3.0)] == [0]


def test_without_a_log_every_kill_is_told_at_once_without_a_name(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("oom_kill 1\n")
    kills = KernelKills(KmsgReader(str(tmp_path / "none")), OomKillCounter(str(tmp_path)))
    (tmp_path / "vmstat").write_text("oom_kill 4\n")
    told, = kills.read(1.0, nobody)
    assert "3 OOM kills" in told.line
    kills.close()

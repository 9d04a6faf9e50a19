"""The daemon is the last to starve, and says so when it did (Law 11)."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.miniature.daemon import MakeDaemon

CAP_IPC_LOCK = 14


FREED_KIB = 1024  # the allocator may give an arena back; what is unlocked would be nearly everything


def capable(bit: int) -> bool:
    lines = Path("/proc/self/status").read_text().splitlines()
    effective = next(line for line in lines if line.startswith("CapEff"))
    return bool(int(effective.split()[1], 16) >> bit & 1)


def locked_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmLck")).split()[1])


def test_a_loop_that_came_back_late_is_written_down_and_counted(daemon: MakeDaemon) -> None:
    watch = daemon("")
    watch.start()
    watch.look(3)  # the first looks are not judged
    os.kill(watch.pid, signal.SIGSTOP)
    time.sleep(2.5)
    os.kill(watch.pid, signal.SIGCONT)
    watch.wait_for(lambda: watch.records("late"), 5, "the record of lateness")
    assert 1.0 <= watch.records("late")[0]["took_s"] < 5
    watch.wait_for(lambda: watch.status()["health"]["late_ticks"] == 1, 5, "the count in the status")


@pytest.mark.root
@pytest.mark.skipif(not capable(CAP_IPC_LOCK), reason="needs CAP_IPC_LOCK")
def test_memory_is_locked_before_ready_and_stays_so_when_children_were_forked(daemon: MakeDaemon) -> None:
    watch = daemon("")
    watch.start()
    before = locked_kib(watch.pid)
    assert before > 5000
    os.kill(watch.pid, signal.SIGHUP)
    watch.wait_for(lambda: len(watch.records("policy")) == 2, 5, "the reload, which forks a child")
    assert locked_kib(watch.pid) >= before - FREED_KIB

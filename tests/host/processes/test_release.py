"""The memory of real processes that were killed and cannot run to free it themselves."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from watchdog_oom.core.model import ProcessId
from watchdog_oom.host.processes.release import MemoryReleaser

HOLDS_32_MIB = """
import time
held = b"x" * (1 << 25)
print(flush=True)
time.sleep(60)
"""


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def settle(releaser: MemoryReleaser, count: int) -> None:
    def settled() -> bool:
        select.select([releaser.fileno()], [], [], 0.05)
        releaser.poll()
        return releaser.released + releaser.failed + releaser.refused >= count
    until(settled)


def kill_and_release(releaser: MemoryReleaser) -> None:
    """The victim and this test on one processor, and the victim only when that is idle."""
    with subprocess.Popen([sys.executable, "-c", HOLDS_32_MIB], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        pidfd = os.pidfd_open(child.pid)
        assert releaser.child_pid is not None
        cpus = os.sched_getaffinity(0)
        os.sched_setaffinity(child.pid, {min(cpus)})
        os.sched_setscheduler(child.pid, os.SCHED_IDLE, os.sched_param(0))
        until(lambda: _state(child.pid) == "S")
        for pid in (0, releaser.child_pid):
            os.sched_setaffinity(pid, {min(cpus)})
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            releaser.release(ProcessId(child.pid, 1), pidfd)
            os.close(pidfd)
            settle(releaser, 1)
        finally:
            os.sched_setaffinity(0, cpus)


def _state(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def test_a_killed_process_that_cannot_run_has_its_memory_released_by_a_child() -> None:
    # On a loaded machine the victim may run all the same before it is asked for, and free its memory itself.
    released = 0
    for _ in range(40):
        releaser = MemoryReleaser()
        kill_and_release(releaser)
        released += releaser.released
        releaser.close()
        if released:
            break
    assert released


def test_a_release_that_hangs_is_given_up_and_the_next_one_has_a_child_of_its_own() -> None:
    """A child that was stopped answers no more than one that waits for a lock."""
    releaser = MemoryReleaser(deadline_seconds=0.2)
    hung = releaser.child_pid
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    began = time.monotonic()
    mine = os.pidfd_open(os.getpid())
    releaser.release(ProcessId(1, 1), mine)
    releaser.release(ProcessId(2, 1), mine)
    assert time.monotonic() - began < 0.2
    settle(releaser, 2)
    assert (releaser.failed, releaser.refused) == (1, 1)  # whoever was not killed is refused by the kernel
    assert releaser.child_pid not in (None, hung)
    os.close(mine)
    releaser.close()

"""A crowd of sleeping processes. Run as a program it keeps them until its input ends, and then ends them by pid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

KIB_EACH = 700
LONGEST_SECONDS = "900"  # should the keeper die, they end by themselves


@contextmanager
def crowd(count: int) -> Iterator[None]:
    """``count`` more processes on this host."""
    with subprocess.Popen([sys.executable, "-I", "-S", __file__, str(count)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as keeper:
        assert keeper.stdin is not None and keeper.stdout is not None
        if keeper.stdout.readline() != b"all asleep\n":
            raise OSError(f"{count} processes cannot be had here")
        try:
            yield
        finally:
            keeper.stdin.close()
            keeper.wait()


def room_for(count: int) -> bool:
    """Whether memory and the kernel's limits allow that many."""
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        available_kib = next(int(line.split()[1]) for line in meminfo if line.startswith("MemAvailable"))
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as pid_max:
        return count * KIB_EACH < available_kib * 0.8 and count < int(pid_max.read()) * 0.8


def _keep(count: int) -> None:
    pids = []
    try:
        for _ in range(count):
            pids.append(os.posix_spawn("/bin/sleep", ["sleep", LONGEST_SECONDS], {}))  # noqa: PERF401 - kept as they come
        print("all asleep", flush=True)
        sys.stdin.read()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


if __name__ == "__main__":
    _keep(int(sys.argv[1]))

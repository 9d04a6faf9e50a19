"""Owns the list of process numbers: /proc is listed only when a process may have come or gone.

Listing costs the kernel 1.6 µs a process, a third of an idle tick. /proc/loadavg (proc(5)) tells in 10 µs how many
threads there are and which number was given out last: while both stay, nobody has come, so nobody has gone either.
"""

from __future__ import annotations

import os

from watchdog_oom.host.processes.procfs import list_pids, read_file

LONGEST_SECONDS = 5.0  # listed all the same, also to find out a /proc/loadavg that does not tell the truth


class PidList:
    """The processes below ``root``. Where /proc is not the kernel's own view of this very process (another namespace's,
    one made by lxcfs, a recorded one), it is listed every time."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._trusted = _is_our_own(root)
        self._pulse: bytes | None = None
        self._pids: frozenset[int] = frozenset()
        self._listed_boottime = float("-inf")

    def pids(self, boottime: float) -> frozenset[int]:
        """Every process there is at ``boottime``; raises OSError where /proc cannot be read."""
        pulse = self._read_pulse()
        same = pulse is not None and pulse == self._pulse
        if same and 0 <= boottime - self._listed_boottime < LONGEST_SECONDS:
            return self._pids
        found = frozenset(list_pids(self._root))
        if same and found != self._pids and self._read_pulse() == pulse:
            self._trusted = False
        self._pulse, self._pids, self._listed_boottime = pulse, found, boottime
        return found

    def _read_pulse(self) -> bytes | None:
        """Threads and last number, without the load averages and the number of those that run just now."""
        content = read_file(f"{self._root}/loadavg", 256) if self._trusted else None
        return parse_pulse(content) if content is not None else None


def parse_pulse(content: bytes) -> bytes | None:
    """What changes whenever a thread comes or goes: ``0.20 0.18 0.12 1/80 11206`` has the pulse ``80 11206``. ``None``
    where it makes no sense, as from kernels that only imitate the file."""
    fields = content.split()
    if len(fields) != 5:
        return None
    _, slash, threads = fields[3].partition(b"/")
    plausible = slash and threads.isdigit() and fields[4].isdigit() and int(threads) > 0 and int(fields[4]) > 0
    return threads + b" " + fields[4] if plausible else None


def _is_our_own(root: str) -> bool:
    """Whether ``root`` speaks of the pid namespace this process is in (pid_namespaces(7)), and its loadavg is no other
    filesystem's file laid over it."""
    try:
        same_file_system = os.stat(f"{root}/loadavg").st_dev == os.stat(root).st_dev
        return same_file_system and os.readlink(f"{root}/self") == str(os.getpid())
    except OSError:
        return False

"""The list of pids: /proc is listed only when a process may have started or ended.

Listing takes the kernel 1.6 µs per process, a third of an idle tick. /proc/loadavg (proc(5)) gives in 10 µs the number
of threads and the last pid assigned: while both are unchanged, no process has started, so none has ended either.
"""

from __future__ import annotations

import os

from watchdog_oom.host.processes.procfs import pids_among, read_file

LONGEST_SECONDS = 5.0  # listed nevertheless, in case /proc/loadavg is wrong


class PidList:
    """The pids below ``root``. If /proc is not the kernel's own view of this process (another namespace's, one emulated
    by lxcfs, a recorded one), it is listed every time."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._trusted = _is_our_own(root)
        self._pulse: bytes | None = None
        self._pids: frozenset[int] = frozenset()
        self._names = hash(())  # of what /proc listed last, in its order
        self._listed_boottime = float("-inf")

    def pids(self, boottime: float) -> frozenset[int]:
        """Every pid at ``boottime``; raises OSError if /proc cannot be read."""
        pulse = self._read_pulse()
        same = pulse is not None and pulse == self._pulse
        if same and 0 <= boottime - self._listed_boottime < LONGEST_SECONDS:
            return self._pids
        found = self._list()
        if same and found != self._pids and self._read_pulse() == pulse:
            self._trusted = False
        self._pulse, self._pids, self._listed_boottime = pulse, found, boottime
        return found

    def _list(self) -> frozenset[int]:
        """The very set of before where the names are the same: making numbers of them takes as long as listing them."""
        names = os.listdir(self._root)
        before, self._names = self._names, hash(tuple(names))
        return self._pids if self._names == before else pids_among(names)

    def _read_pulse(self) -> bytes | None:
        """Number of threads and last pid, without the load averages and the number of runnable threads."""
        content = read_file(f"{self._root}/loadavg", 256) if self._trusted else None
        return parse_pulse(content) if content is not None else None


def parse_pulse(content: bytes) -> bytes | None:
    """The part that changes whenever a thread starts or ends: ``0.20 0.18 0.12 1/80 11206`` has the pulse ``80 11206``.
    ``None`` if it makes no sense, as from systems that only emulate the file."""
    fields = content.split()
    if len(fields) != 5:
        return None
    _, slash, threads = fields[3].partition(b"/")
    plausible = slash and threads.isdigit() and fields[4].isdigit() and int(threads) > 0 and int(fields[4]) > 0
    return threads + b" " + fields[4] if plausible else None


def _is_our_own(root: str) -> bool:
    """Whether ``root`` shows the pid namespace of this process (pid_namespaces(7)), and its loadavg is not a file of
    another filesystem mounted over it."""
    try:
        same_file_system = os.stat(f"{root}/loadavg").st_dev == os.stat(root).st_dev
        return same_file_system and os.readlink(f"{root}/self") == str(os.getpid())
    except OSError:
        return False

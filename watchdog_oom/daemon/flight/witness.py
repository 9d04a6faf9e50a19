"""What is read of the host and its largest processes when something opens: by a process of its own, for two seconds.

Reading of a process can hang. What was read until then counts, and the recording goes on meanwhile.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Container, Mapping, Sequence

from watchdog_oom.host.children.spawn import Child, spawn_work
from watchdog_oom.host.memory.kernel_report import last_report
from watchdog_oom.host.processes.last_look import quick_look, slow_look

DEADLINE_SECONDS = 2.0
MOST_LOST = 3
_MOST_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16


class Witness:
    """At most one look at a time; ``fileno`` is readable when something was read, −1 when nothing is under way."""

    def __init__(self, proc: str, kmsg: str = "/dev/kmsg") -> None:
        self._proc = proc
        self._kmsg = kmsg
        self._child: Child | None = None
        self._read = bytearray()
        self._until = 0.0
        self.began_boottime = 0.0
        self._lost: list[Child] = []

    def fileno(self) -> int:
        return -1 if self._child is None else self._child.output_fd

    def seconds_left(self, now: float) -> float:
        return max(0.0, self._until - now)

    def begin(self, pids: Sequence[int], hurried: Container[int]) -> None:
        """Look now, unless a look is under way; ``hurried`` are those whose end must not be held up."""
        if self._child is not None or len(self._lost) >= MOST_LOST:
            return
        proc, kmsg = self._proc, self._kmsg
        try:
            self._child = spawn_work(lambda fd: _look(fd, proc, kmsg, pids, hurried))
        except OSError:
            return
        self._read.clear()
        self._until = time.monotonic() + DEADLINE_SECONDS
        self.began_boottime = time.clock_gettime(time.CLOCK_BOOTTIME)

    def over(self, now: float) -> Mapping[str, str] | None:
        """What was read, once it is complete or its time is over (``now``, monotonic)."""
        self._lost = [each for each in self._lost if not _buried(each)]
        child = self._child
        if child is None:
            return None
        while len(self._read) < _MOST_BYTES:
            try:
                part = os.read(child.output_fd, _CHUNK_BYTES)
            except BlockingIOError:
                if now < self._until:
                    return None
                break
            if not part:
                break
            self._read += part
        child.kill()
        if not _buried(child):
            self._lost.append(child)
        self._child = None
        return dict(json.loads(line) for line in self._read.split(b"\n")[:-1])


def _look(fd: int, proc: str, kmsg: str, pids: Sequence[int], hurried: Container[int]) -> None:
    """In the child. A line for each text, so that what is complete counts."""
    for name, text in quick_look(proc, pids):
        _tell(fd, name, text)
    _tell(fd, "kernel", last_report(kmsg))
    for name, text in slow_look(proc, pids, hurried):
        _tell(fd, name, text)


def _tell(fd: int, name: str, text: str) -> None:
    line = json.dumps([name, text]).encode() + b"\n"
    while text and line:
        line = line[os.write(fd, line):]


def _buried(child: Child) -> bool:
    if child.poll() is None:
        return False
    child.close()
    return True

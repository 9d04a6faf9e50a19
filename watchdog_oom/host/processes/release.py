"""Frees the memory of killed processes at once, by a child that calls process_mrelease(2).

The call waits for the victim's own memory lock, which whoever runs in the victim can hold for as long as he likes.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress

from watchdog_oom.core.model import ProcessId
from watchdog_oom.host import syscalls
from watchdog_oom.host.children.asked_child import AskedChild

RELEASE_SECONDS = 1.0  # the kernel frees about 10 GiB in that time; a longer one goes on when the process can run


class MemoryReleaser:
    """Started before it is needed: in an emergency it may be impossible to start a process. Nothing waits for it; it
    counts those released, those the kernel refused (freed already, shared with a process that lives on), and those that
    hung.
    """

    def __init__(self, deadline_seconds: float = RELEASE_SECONDS) -> None:
        self.released = 0
        self.refused = 0
        self.failed = 0
        self._child: AskedChild[ProcessId] = AskedChild(_release, deadline_seconds)
        self._child.start()

    def fileno(self) -> int:
        return self._child.fileno()

    @property
    def child_pid(self) -> int | None:
        return self._child.child_pid

    def release(self, process: ProcessId, pidfd: int) -> bool:
        """Ask for the memory of a process that got KILL. False if so many are waiting that this one is left out."""
        return self._child.ask(process, b"release", fd=pidfd)

    def poll(self) -> None:
        """Count the results, and replace a child that hangs."""
        for _, answer in self._child.poll():
            self.released += answer == b"released"
            self.refused += answer == b"no"
            self.failed += answer is None

    def close(self) -> None:
        self._child.close()


def _release(questions: socket.socket) -> None:
    while True:
        packet, fds, _, _ = socket.recv_fds(questions, 64, 1)
        if not packet:
            return
        released = False
        for fd in fds:
            with suppress(OSError):
                released = syscalls.release_memory(fd)
            os.close(fd)
        questions.send(b"released" if released else b"no")

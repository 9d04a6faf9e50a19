"""The child that records, seen from the daemon: packets to it, its reports, its end. Nothing here waits."""

from __future__ import annotations

import marshal
import select
import socket
from collections.abc import Callable
from contextlib import suppress

from watchdog_oom.daemon.flight.packing import END
from watchdog_oom.host.children.spawn import Child, spawn_work
from watchdog_oom.lean_dataclasses import dataclass

_BUFFER_BYTES = 512 << 10  # asked for; the kernel gives what net.core.wmem_max allows
_REPORT_BYTES = 4096
_LAST_SECONDS = 1.0

Work = Callable[[socket.socket], None]


@dataclass(frozen=True, slots=True)
class WriterReport:
    """What the child tells of itself: the time of the last sample written (seconds since the epoch), the size of all
    recordings, how many samples it lost, and why it writes nothing now, in words."""

    last_wall: float | None
    size_bytes: int
    lost: int
    problem: str


class WriterChild:
    """Starts at once, with ``work(socket)``. Raises OSError when no process can be had."""

    def __init__(self, work: Work) -> None:
        self.report: WriterReport | None = None
        self.heard = False
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
            self._child: Child = spawn_work(lambda _: work(theirs), keep=(theirs.fileno(),))
        except OSError:
            self._socket.close()
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        return self._child.pid

    def send(self, packet: bytes) -> bool:
        """Whether the child will get it: it may be busy, or have ended."""
        try:
            self._socket.send(packet)
        except OSError:
            return False
        return True

    def alive(self) -> bool:
        """Take up what it reported; whether it still is there. ``heard``: whether it reported anything."""
        self.heard = False
        while True:
            try:
                packet = self._socket.recv(_REPORT_BYTES)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not packet:
                return False
            self.heard = True
            self.report = WriterReport(*marshal.loads(packet))  # noqa: S302 - it comes from our own process

    def finish(self) -> None:
        """Let it write the rest, for a second at most, and end it."""
        self.send(END)
        with suppress(OSError):  # it has ended before
            self._socket.shutdown(socket.SHUT_WR)
        ending = select.poll()
        ending.register(self._child.pidfd, select.POLLIN)
        ending.poll(_LAST_SECONDS * 1000)
        self.kill()
        self.buried()

    def kill(self) -> None:
        self._child.kill()

    def buried(self) -> bool:
        """Whether it has ended, and nothing of it is left. One that waits in the kernel may never end."""
        if self._child.poll() is None:
            return False
        self._child.close()
        self._socket.close()
        return True

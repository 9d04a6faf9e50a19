"""Standard error, which may lead to somebody who does not read it: it never makes the daemon wait.

O_NONBLOCK belongs to the open file, which the daemon shares with the shell that started it, so it is not set on
descriptor 2. A pipe or a terminal is opened once more over /proc/self/fd/2; a socket takes MSG_DONTWAIT. Where neither
is possible the daemon writes only if poll(2) says that there is room, and never more than a pipe takes at once.
"""

from __future__ import annotations

import os
import select
import socket
import stat
from contextlib import suppress

PIPE_BUF = 4096  # pipe(7): written whole or not at all


class Console:
    """``dropped`` counts the lines that nobody took; the next one taken says how many were lost before it."""

    def __init__(self, fd: int = 2) -> None:
        self.dropped = 0
        self._untold = 0
        self._shared = fd
        self._own = -1
        self._kind = 0
        with suppress(OSError):
            self._kind = stat.S_IFMT(os.fstat(fd).st_mode)
            if self._kind in (stat.S_IFIFO, stat.S_IFCHR):
                flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
                self._own = os.open(f"/proc/self/fd/{fd}", flags)

    def line(self, text: str) -> None:
        """One line; dropped and counted if it would have to wait, or if nobody listens. Never raises."""
        if self._untold:
            text = f"({self._untold} lines before this one could not be shown)\n{text}"
        data = text.encode("utf-8", "backslashreplace")[:PIPE_BUF - 1] + b"\n"
        try:
            taken = self._write(data)
        except OSError:
            taken = False
        self._untold = 0 if taken else self._untold + 1
        self.dropped += not taken

    def close(self) -> None:
        if self._own >= 0:
            os.close(self._own)
        self._own = -1

    def _write(self, data: bytes) -> bool:
        if self._own >= 0:
            return os.write(self._own, data) > 0
        if self._kind == stat.S_IFREG:
            return os.write(self._shared, data) > 0
        if self._kind == stat.S_IFSOCK:
            with socket.socket(fileno=os.dup(self._shared)) as copy:
                return copy.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) > 0
        poll = select.poll()
        poll.register(self._shared, select.POLLOUT)
        room = any(event & select.POLLOUT for _, event in poll.poll(0))
        return room and os.write(self._shared, data) > 0


def fill_standard_descriptors() -> None:
    """Who is started without some of the descriptors 0 to 2 gets /dev/null there: else the next file that is opened
    would be standard error, for us and for every child."""
    with suppress(OSError):
        while (fd := os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)) <= 2:
            pass
        os.close(fd)

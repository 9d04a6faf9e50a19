"""The output of a program that leaves something running: read to its end by a process of its own.

A service that an init script starts in the background keeps its starter's output for life. An unlinked file would grow
for ever; a pipe that nobody reads would stop the service, and one whose reader ends would kill it. So a small process
reads the pipe for as long as anybody can write to it, whatever becomes of the daemon. It keeps the first bytes in
memory for the job's report; when the job has ended, or the daemon has, it becomes ``cat >/dev/null``, which takes a
megabyte.
"""

from __future__ import annotations

import os
import select
from contextlib import suppress

KEPT_BYTES = 4096
_READ_BYTES = 1 << 16
_CAT = ("/bin/cat", "/usr/bin/cat")


class Drain:
    """The daemon's side. ``reading`` is the pipe, which tells whether everything was read; the closing of ``control``
    tells the other side that nothing is kept any more."""

    def __init__(self, pid: int, reading: int, control: int) -> None:
        self._pid = pid
        self._reading = reading
        self._control = control

    def behind(self) -> bool:
        """Whether the program wrote something that was not read yet."""
        poll = select.poll()
        poll.register(self._reading, select.POLLIN)
        return any(event & select.POLLIN for _, event in poll.poll(0))

    def hand_over(self) -> None:
        """Nobody asks for the output any more: from here on it is discarded."""
        os.close(self._reading)
        os.close(self._control)

    def reaped(self) -> bool:
        """Whether the last writer, and with it the reader, has ended."""
        with suppress(ChildProcessError):
            return os.waitpid(self._pid, os.WNOHANG)[0] != 0
        return True


def keep_then_discard(reading: int, control: int, kept_fd: int) -> None:
    """The other side, in a process of its own; returns at the end of the output."""
    left = KEPT_BYTES
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    poll.register(control, select.POLLIN)
    while left:
        ready = dict(poll.poll())
        if reading in ready:
            # Not read and then written: until it is kept it stays in the pipe, where ``behind`` sees it.
            kept = os.splice(reading, kept_fd, left)
            if not kept:
                return
            left -= kept
        elif control in ready:
            break
    _discard(reading)


def _discard(reading: int) -> None:
    os.dup2(reading, 0)
    null = os.open("/dev/null", os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.closerange(3, max(reading, null) + 1)
    for program in _CAT:
        with suppress(OSError):
            os.execv(program, ("cat",))
    while os.read(0, _READ_BYTES):
        pass

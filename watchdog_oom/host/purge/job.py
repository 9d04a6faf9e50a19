"""Owns a purge as the loop sees it: a child process that is never waited for, and the news it tells."""

from __future__ import annotations

import os
from contextlib import suppress

from watchdog_oom.host.children import own_code, spawn
from watchdog_oom.host.purge.messages import Deleted, Failed, PurgeNews, Remaining, parse_line, to_line
from watchdog_oom.host.purge.request import PurgeRequest

_MOST_WAITING_BYTES = 1 << 16


class PurgeJob:
    """A purge under way. The loop waits for ``fileno`` or ``child.pidfd`` to be readable, then calls ``poll``."""

    def __init__(self, child: spawn.Child) -> None:
        self.child = child
        self._waiting = b""
        self._told_the_end = False

    def fileno(self) -> int:
        return self.child.output_fd

    @property
    def done(self) -> bool:
        """Whether the end was told and the child reaped: time to ``close``."""
        return self._told_the_end and self.child.status is not None

    def poll(self) -> tuple[PurgeNews, ...]:
        """What was told since the last call, without waiting. ``Deleted`` or ``Failed`` is the end, and there is always
        one: a child that died says so. Only ``Remaining`` may follow it."""
        status = self.child.poll()  # before the pipe is read, so that nothing it wrote is missed
        news: list[PurgeNews] = []
        for line in self._lines():
            told = parse_line(line)
            if isinstance(told, Remaining) == self._told_the_end:
                news.append(told)
                self._told_the_end = self._told_the_end or isinstance(told, Deleted | Failed)
        if status is not None and not self._told_the_end:
            news.append(Failed(f"the purge ended with status {status} before it was finished"))
            self._told_the_end = True
        return tuple(news)

    def cancel(self) -> None:
        """End what still runs: what was cleared stays in the trash, and the next purge settles it."""
        self.child.kill()

    def close(self) -> None:
        """Release the descriptors, ending the child if it still runs; never waits for it."""
        self.cancel()
        self.child.poll()
        self.child.close()

    def let_go(self) -> bool:
        """End it, and close it if its child has ended; one that cannot die yet is to be asked again."""
        self.cancel()
        if self.child.poll() is None:
            return False
        self.child.close()
        return True

    def _lines(self) -> list[bytes]:
        with suppress(BlockingIOError):
            while len(self._waiting) < _MOST_WAITING_BYTES and (chunk := os.read(self.fileno(), _MOST_WAITING_BYTES)):
                self._waiting += chunk
        *lines, self._waiting = self._waiting.split(b"\n")
        self._waiting = self._waiting[:_MOST_WAITING_BYTES - 1]
        return lines


def start_purge(request: PurgeRequest) -> PurgeJob:
    """Start a purge in a child process. Raises OSError where none can be forked."""
    daemon_pid = os.getpid()
    return PurgeJob(spawn.spawn_work(lambda out_fd: _purge(request, out_fd, daemon_pid)))


def _purge(request: PurgeRequest, out_fd: int, daemon_pid: int) -> None:
    """The child. Only children run the code of a purge, so only they load it."""
    try:
        from watchdog_oom.host.purge.supervisor import supervise
        own_code.refuse_another_version()
    except Exception as error:  # noqa: BLE001 - code that is missing, damaged or half written fails in many ways
        os.write(out_fd, to_line(Failed(f"the code of the purge cannot be loaded: {error or type(error).__name__}")))
        return
    supervise(request, out_fd, daemon_pid)

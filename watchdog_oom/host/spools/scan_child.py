"""Owns one child that scans, seen from the daemon: its pipes, its signs of life, its end."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from contextlib import suppress

from watchdog_oom.host.children.spawn import Child, spawn_work
from watchdog_oom.host.spools.scan_messages import MOST_LINE_BYTES, Scanned, Used, parse_news, split_lines
from watchdog_oom.host.spools.signs_of_life import SignsOfLife

_CHUNK_BYTES = 65536
_MOST_READS = 16
_LONGEST_GAP_SECONDS = 2.0  # of silence between two polls: if the daemon itself was stopped, it proves nothing

Work = Callable[[SignsOfLife, int, int], None]


class ScanChild:
    """Starts the child at once, with ``work(signs, orders_fd, news_fd)``. Raises OSError when no process can be had.

    Nothing here blocks: orders that the child does not take up are kept, a little, until it does or is replaced.
    """

    def __init__(self, work: Work, now: float) -> None:
        self.silent_seconds = 0.0
        self.over = False
        self._received, self._unsent = bytearray(), bytearray()
        self._signs = SignsOfLife()
        self._sign, self._seen_at = self._signs.read()[0], now
        signs = self._signs
        orders_fd, self._orders = os.pipe2(os.O_CLOEXEC)
        try:
            os.set_blocking(self._orders, False)
            self._child: Child = spawn_work(lambda news_fd: work(signs, orders_fd, news_fd), keep=(orders_fd,))
        except OSError:
            os.close(self._orders)
            self._signs.close()
            raise
        finally:
            os.close(orders_fd)

    def fileno(self) -> int:
        """Readable when there is news, or when the child has ended."""
        return self._child.output_fd

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def congested(self) -> bool:
        """Whether the child has not even taken up what it was told before."""
        return bool(self._unsent)

    def send(self, line: bytes) -> None:
        if len(self._unsent) < MOST_LINE_BYTES:
            self._unsent += line
        self.flush()

    def flush(self) -> None:
        with suppress(BlockingIOError, BrokenPipeError):
            while self._unsent:
                del self._unsent[:os.write(self._orders, self._unsent)]

    def news(self) -> list[Scanned | Used]:
        """What it told since the last call."""
        for _ in range(_MOST_READS):
            try:
                part = os.read(self._child.output_fd, _CHUNK_BYTES)
            except BlockingIOError:
                break
            if not part or len(self._received) > MOST_LINE_BYTES:
                self.over = True
                break
            self._received += part
        return [told for line in split_lines(self._received) if (told := parse_news(line)) is not None]

    def watch(self, now: float) -> int:
        """Count how long there was no sign of life, by the monotonic clock; answers with the number of the spool it
        touched last."""
        sign, spool = self._signs.read()
        if sign != self._sign:
            self._sign, self.silent_seconds = sign, 0.0
        else:
            self.silent_seconds += min(max(0.0, now - self._seen_at), _LONGEST_GAP_SECONDS)
        self._seen_at = now
        return spool

    def kill(self) -> None:
        self._child.kill()

    def reaped(self, wait_seconds: float = 0.0) -> int | None:
        """The exit status, once it has ended; ``None`` while it lives, as it may for ever in a wait in the kernel."""
        if wait_seconds:
            ending = select.poll()
            ending.register(self._child.pidfd, select.POLLIN)
            ending.poll(wait_seconds * 1000)
        return self._child.poll()

    def close(self) -> None:
        os.close(self._orders)
        self._child.close()
        self._signs.close()

"""Owns the sharing of a big purge between two processes: one processor judges and deletes half as fast as rm deletes.

Each takes the entries that fall to it by name, into a trash directory of its own, and judges, renames, judges again and
deletes exactly as one alone does (Law 7). An entry is never handled by both.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from itertools import islice

from watchdog_oom.host import syscalls
from watchdog_oom.host.purge import worker
from watchdog_oom.host.purge.in_use import InUse, pack_in_use, unpack_in_use
from watchdog_oom.host.purge.messages import Cleared, Deleted, Failed, PurgeNews, parse_line, to_line
from watchdog_oom.host.purge.worker import PurgeTask, PurgeWorker
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.lean_typing import TypeVar

SHARED_FROM_ENTRIES = 256  # below that a second process costs more than it does
_LENGTH = struct.Struct("=Q")
_News = TypeVar("_News", Cleared, Deleted)


def run(order: PurgeTask, tell: Callable[[PurgeNews], None], look_again: Callable[[], InUse]) -> None:
    """The whole purge, by two where that is worth it. ``look_again`` asks who uses what by then. Raises OSError where
    the spool cannot be read, or the helper failed: what was cleared is settled by the next purge then."""
    second_fd = _spool_for_two(order)
    if second_fd is None:
        worker.run(order, tell, look_again)
        return
    limit = (order.limit + 1) // 2
    mine = PurgeWorker(replace(order, limit=limit, parts=2))
    mine.adopt_leftovers()
    helper = _Helper(replace(order, limit=order.limit - limit, parts=2, part=1, spool_fd=second_fd))
    os.close(second_fd)
    cleared = mine.clear()
    tell(cleared.and_also(helper.told(Cleared)))
    in_use = look_again()
    helper.go_on(in_use)
    deleted = mine.delete(in_use)
    tell(deleted.and_also(helper.told(Deleted)))
    helper.end()


class _Helper:
    """The other process: the same code on the other half. It ends with us, and tells only us."""

    def __init__(self, order: PurgeTask) -> None:
        told_fd, telling_fd = os.pipe2(os.O_CLOEXEC)
        heard_fd, saying_fd = os.pipe2(os.O_CLOEXEC)
        worker_pid = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                syscalls.die_with_parent(worker_pid)
                os.close(told_fd)
                os.close(saying_fd)
                _work(order, telling_fd, heard_fd)
                os._exit(0)
            finally:
                os._exit(1)
        os.close(telling_fd)
        os.close(heard_fd)
        self._told = os.fdopen(told_fd, "rb")
        self._saying = os.fdopen(saying_fd, "wb")

    def told(self, kind: type[_News]) -> _News:
        """What it says next, which must be of this kind; waits for it. Raises OSError when it failed or died."""
        line = self._told.readline()
        news = parse_line(line) if line else Failed("half of the purge ended before it was finished")
        if isinstance(news, Failed):
            raise OSError(errno.EIO, news.words)
        if not isinstance(news, kind):
            raise OSError(errno.EPROTO, "half of the purge lost count")
        return news

    def go_on(self, in_use: InUse) -> None:
        """Have it delete what it has cleared."""
        content = pack_in_use(in_use)
        with suppress(BrokenPipeError):
            self._saying.write(_LENGTH.pack(len(content)) + content)
            self._saying.flush()

    def end(self) -> None:
        os.waitpid(self._pid, 0)


def _work(order: PurgeTask, telling_fd: int, heard_fd: int) -> None:
    try:
        worker = PurgeWorker(order)
        os.write(telling_fd, to_line(worker.clear()))
        os.write(telling_fd, to_line(worker.delete(_heard(heard_fd))))
    except OSError as error:
        os.write(telling_fd, to_line(Failed(error.strerror or str(error))))


def _heard(fd: int) -> InUse:
    """Raises OSError when it was not told in full who uses what: nothing is deleted then."""
    with os.fdopen(fd, "rb") as pipe:
        head = pipe.read(_LENGTH.size)
        content = pipe.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else b""
    return unpack_in_use(content)


def _spool_for_two(order: PurgeTask) -> int | None:
    """The spool opened once more, since two readers of one descriptor share its position; ``None`` where one process
    does: on a single processor, for a small spool, where its owner may not read it, or where one has to do."""
    if order.alone or len(os.sched_getaffinity(0)) < 2 or order.limit < SHARED_FROM_ENTRIES:
        return None
    with os.scandir(order.spool_fd) as listing:
        if sum(1 for _ in islice(listing, SHARED_FROM_ENTRIES)) < SHARED_FROM_ENTRIES:
            return None
    with suppress(OSError):
        return os.open(".", syscalls.OPEN_DIRECTORY, dir_fd=order.spool_fd)
    return None

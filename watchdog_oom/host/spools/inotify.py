"""Owns inotify(7): one instance, its watches on directories, and the parser of what the kernel queues.

By hand instead of pyinotify, which wakes the command's ``status --watch``: imported after all that the daemon imports,
pyinotify adds 2.5 MiB of locked memory (logging, subprocess, threading), and this module 0.04.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from watchdog_oom.host import syscalls
from watchdog_oom.lean_dataclasses import dataclass

# linux/inotify.h
IN_MOVED_FROM = 0x40
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_DELETE_SELF = 0x400
IN_MOVE_SELF = 0x800
IN_UNMOUNT = 0x2000
IN_Q_OVERFLOW = 0x4000
IN_IGNORED = 0x8000
IN_ONLYDIR = 0x0100_0000
IN_DONT_FOLLOW = 0x0200_0000

ENTRIES = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO
ENDED = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED

_HEADER = struct.Struct("iIII")  # struct inotify_event: watch, mask, cookie, length of the name that follows
_READ_BYTES = 65536
_MOST_READS = 16  # a flood is finished at the next call; the kernel's queue holds 16,384 events


@dataclass(frozen=True, slots=True)
class InotifyEvents:
    """What queued events say together: the watches in which something happened, those that are over (the directory
    was deleted, moved or unmounted), and whether the queue ran over, so that anything may have happened anywhere."""

    touched: frozenset[int] = frozenset()
    ended: frozenset[int] = frozenset()
    overflowed: bool = False


def parse_events(content: bytes) -> Iterator[tuple[int, int]]:
    """Watch and mask of each event. Names are passed over, whatever bytes they are made of; half an event at the end,
    which the kernel never gives, is left out."""
    at = 0
    while at + _HEADER.size <= len(content):
        watch, mask, _, name_bytes = _HEADER.unpack_from(content, at)
        at += _HEADER.size + name_bytes
        if at <= len(content):
            yield watch, mask


class Inotify:
    """One instance, closed on exec, that never blocks. Raises OSError where the kernel has none left (EMFILE)."""

    def __init__(self) -> None:
        self._fd = syscalls.inotify_open()

    def fileno(self) -> int:
        return self._fd

    def watch_directory(self, path: str) -> int | None:
        """The watch's number, or ``None`` where the kernel refuses: no such directory, a symlink, no watch left. A
        directory that is watched already answers with the number it has."""
        mask = ENTRIES | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW
        return syscalls.inotify_add(self._fd, path, mask)

    def forget(self, watch: int) -> None:
        """Watch no longer; a watch that is over already is no error."""
        syscalls.inotify_remove(self._fd, watch)

    def read(self) -> InotifyEvents:
        """What is queued, folded as it is read, so that a storm costs no memory. Never blocks."""
        touched: set[int] = set()
        ended: set[int] = set()
        overflowed = False
        for _ in range(_MOST_READS):
            try:
                content = os.read(self._fd, _READ_BYTES)
            except BlockingIOError:
                break
            for watch, mask in parse_events(content):
                if mask & IN_Q_OVERFLOW:
                    overflowed = True
                    continue
                touched.add(watch)
                if mask & ENDED:
                    ended.add(watch)
        return InotifyEvents(frozenset(touched), frozenset(ended), overflowed)

    def close(self) -> None:
        os.close(self._fd)

"""Owns the answer to "what is in use": the inodes that processes have open, mapped, bound, or as their directory.

A child looks, one process after the other, and tells each before it goes to the next. A process that holds it up is
skipped by another child; processes that could not be read in full are counted, and because of them the kernel is asked
about every file before one is deleted (``lease``). So nobody can make a purge wait, and nobody loses files that are in
use (Law 7).
"""

from __future__ import annotations

import errno
import os
import select
import struct
import time
from collections.abc import Collection, Iterable

from watchdog_oom.host import syscalls
from watchdog_oom.host.purge import reap
from watchdog_oom.host.purge.mounts import Mount
from watchdog_oom.host.purge.open_files import OpenFiles, Place
from watchdog_oom.host.purge.request import PATIENCE_SECONDS
from watchdog_oom.host.purge.unix_sockets import sockets_in_use
from watchdog_oom.lean_dataclasses import dataclass

MOST_SECONDS = 60.0
_INODE = struct.Struct("=Q")
_COUNTS = struct.Struct("=QQ")
_GOES_ON, _TOLD, _TOLD_IN_PART = range(3)
_HEAD = struct.Struct("=BI")
_READ_BYTES = 1 << 16
_BEAT_SECONDS = 0.1
_SOCKETS, _OPEN, _MAPPED = range(3)
MOST_HELD_UP = (1, 20, 3)  # of each kind of task; beyond that nobody is waited for, and all the rest is unseen
_Task = tuple[int, int]


@dataclass(frozen=True, slots=True)
class InUse:
    """The inodes of the spool's filesystem that are in use; ``unseen`` counts the processes of which it could not be
    told in full."""

    inodes: frozenset[int]
    unseen: int = 0


NOTHING_IN_USE = InUse(frozenset())


@dataclass(frozen=True, slots=True)
class Look:
    """Where to look and for how long: ``patience_seconds`` is how long a single process may hold it up. ``remote`` are
    mount points that are not looked into by path, ``without`` are our own processes."""

    proc_root: str
    place: Place
    mounts: tuple[Mount, ...] = ()
    remote: tuple[str, ...] = ()
    without: Collection[int] = ()
    patience_seconds: float = PATIENCE_SECONDS


def read_in_use(look: Look) -> InUse:
    """Look at every process, and at the sockets. Inodes and not paths are compared: they hold in every mount namespace,
    for every name of a hard link, and after a rename. Raises OSError where ``proc_root`` cannot be listed, or no child
    can be had."""
    tasks = _tasks(look)
    found: set[int] = set()
    blind: set[int] = set()
    until = time.monotonic() + MOST_SECONDS
    held_up = [0, 0, 0]
    at = 0
    while at < len(tasks) and held_up[tasks[at][0]] < MOST_HELD_UP[tasks[at][0]]:
        at = _run_child(look, tasks, at, found, blind, until)
        if at < len(tasks):
            kind, pid = tasks[at]
            blind.add(pid)
            held_up[kind] += 1
            at += 1
    blind.update(pid for _, pid in tasks[at:])
    return InUse(frozenset(found), len(blind))


def pack_in_use(in_use: InUse) -> bytes:
    """For another process."""
    return _COUNTS.pack(len(in_use.inodes), in_use.unseen) + b"".join(map(_INODE.pack, in_use.inodes))


def unpack_in_use(content: bytes) -> InUse:
    """What ``pack_in_use`` made. Raises OSError when it is not there in full: then nothing is known to be free."""
    count, unseen = _COUNTS.unpack_from(content) if len(content) >= _COUNTS.size else (-1, 0)
    if len(content) != _COUNTS.size + count * _INODE.size:
        raise OSError(errno.EIO, "it could not be found out what is in use")
    return InUse(frozenset(inode for inode, in _INODE.iter_unpack(content[_COUNTS.size:])), unseen)


def _tasks(look: Look) -> list[_Task]:
    """What a child can be held up at, one at a time: first everything but mappings, which any process can hold up."""
    pids = sorted(int(name) for name in os.listdir(look.proc_root) if name.isdecimal())
    pids = [pid for pid in pids if pid not in look.without]
    return [(_SOCKETS, 0), *((_OPEN, pid) for pid in pids), *((_MAPPED, pid) for pid in pids)]


def _run_child(look: Look, tasks: list[_Task], at: int, found: set[int], blind: set[int], until: float) -> int:
    """Have a child do the tasks from ``at`` on, and take what it tells; the first task that it did not finish."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    parent_pid = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            syscalls.die_with_parent(parent_pid)
            os.close(reading)
            _work(look, tasks[at:], writing)
        finally:
            os._exit(0)
    os.close(writing)
    try:
        for told, inodes in _frames(reading, look.patience_seconds, until):
            found.update(inodes)
            if told == _TOLD_IN_PART:
                blind.add(tasks[at][1])
            at += 1
    finally:
        os.close(reading)
        reap.end(pid)
    return at


def _frames(fd: int, patience_seconds: float, until: float) -> Iterable[tuple[int, list[int]]]:
    """What the child tells, task by task, until its end or for as long as it goes on."""
    content = b""
    heard = time.monotonic()
    while (left := min(heard + patience_seconds, until) - time.monotonic()) > 0:
        if not select.select([fd], [], [], left)[0]:
            continue
        chunk = os.read(fd, _READ_BYTES)
        if not chunk:
            return
        heard = time.monotonic()
        content += chunk
        start = 0
        while len(content) - start >= _HEAD.size:
            told, count = _HEAD.unpack_from(content, start)
            end = start + _HEAD.size + count * _INODE.size
            if end > len(content):
                break
            if told != _GOES_ON:
                yield told, [inode for inode, in _INODE.iter_unpack(content[start + _HEAD.size:end])]
            start = end
        content = content[start:]


def _work(look: Look, tasks: list[_Task], fd: int) -> None:
    """The child: a frame for each task, and one now and then in between."""
    next_beat = time.monotonic() + _BEAT_SECONDS

    def alive() -> None:
        nonlocal next_beat
        if time.monotonic() >= next_beat:
            next_beat = time.monotonic() + _BEAT_SECONDS
            os.write(fd, _HEAD.pack(_GOES_ON, 0))

    files = OpenFiles(look.proc_root, look.place, look.mounts, look.remote, alive)
    for kind, pid in tasks:
        if kind == _SOCKETS:
            inodes, in_part = sockets_in_use(look.place, look.proc_root, look.remote), False
        else:
            inodes, in_part = files.open_by(pid) if kind == _OPEN else files.mapped_by(pid)
        frame = _HEAD.pack(_TOLD_IN_PART if in_part else _TOLD, len(inodes)) + b"".join(map(_INODE.pack, inodes))
        while frame:
            frame = frame[os.write(fd, frame):]

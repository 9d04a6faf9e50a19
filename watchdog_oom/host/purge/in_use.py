"""Owns the answer to "what is in use": the inodes that processes have open, mapped, or as their directory."""

from __future__ import annotations

import errno
import os
import re
import struct
from collections.abc import Collection, Iterator
from contextlib import suppress

from watchdog_oom.lean_dataclasses import dataclass

_MAPPED = re.compile(rb"^\S+ \S+ \S+ ([0-9a-f]+):([0-9a-f]+) (\d+) +/", re.MULTILINE)
_BOUND = re.compile(rb"^\S+: \S+ \S+ \S+ \S+ \S+ +\d+ (/.*)$", re.MULTILINE)
_PAIR = struct.Struct("=QQ")
_COUNTS = struct.Struct("=QQ")
_NO_FILES = ("/memfd:", "/dev/null", "/dev/pts/", "/dev/tty", "/dev/zero", "/dev/urandom")


@dataclass(frozen=True, slots=True)
class InUse:
    """(device, inode) of everything in use; ``unseen`` counts the processes we were not permitted to look at."""

    inodes: frozenset[tuple[int, int]]
    unseen: int = 0


NOTHING_IN_USE = InUse(frozenset())


def read_in_use(proc_root: str, *, avoid: tuple[str, ...] = (), without: Collection[int] = (),
                spool_devices: tuple[int, int] = (0, 0)) -> InUse:
    """Look at the open files, directories, executable and mappings of every process but ``without``.

    Inodes and not paths are compared: they hold in every mount namespace, for every name of a hard link, and after a
    rename. Paths that begin with one of ``avoid`` are left alone: a look at a remote file may wait for a dead server
    for ever. ``spool_devices`` are the device of the spool's filesystem and the one stat(2) gives, which differ on
    btrfs; mappings are told by the first. Raises OSError only where ``proc_root`` itself cannot be listed.
    """
    skipped = (*_NO_FILES, *avoid)
    found = set(_sockets(proc_root, skipped))
    unseen = 0
    for pid in (int(name) for name in os.listdir(proc_root) if name.isdecimal()):
        if pid in without:
            continue
        try:
            found.update(_of_process(f"{proc_root}/{pid}", skipped))
            found.update(_mapped(f"{proc_root}/{pid}"))
        except PermissionError:
            unseen += 1
        except OSError:
            continue  # it ended meanwhile (Law 10)
    filesystem, device = spool_devices
    found.update([(device, inode) for owner, inode in found if owner == filesystem and owner != device])
    return InUse(frozenset(found), unseen)


def pack_in_use(in_use: InUse) -> bytes:
    """For a pipe to another process."""
    return _COUNTS.pack(len(in_use.inodes), in_use.unseen) + b"".join(_PAIR.pack(*pair) for pair in in_use.inodes)


def unpack_in_use(content: bytes) -> InUse:
    """What ``pack_in_use`` made. Raises OSError when it is not there in full: then nothing is known to be free."""
    count, unseen = _COUNTS.unpack_from(content) if len(content) >= _COUNTS.size else (-1, 0)
    if len(content) != _COUNTS.size + count * _PAIR.size:
        raise OSError(errno.EIO, "it could not be found out what is in use")
    return InUse(frozenset(_PAIR.iter_unpack(content[_COUNTS.size:])), unseen)


def parse_maps(content: bytes) -> frozenset[tuple[int, int]]:
    """(device, inode) of the files in /proc/PID/maps (proc(5)); the device is the filesystem's."""
    return frozenset((os.makedev(int(major, 16), int(minor, 16)), int(inode))
                     for major, minor, inode in _MAPPED.findall(content))


def parse_unix_sockets(content: bytes) -> tuple[str, ...]:
    """The absolute paths to which sockets are bound, from /proc/net/unix (unix(7))."""
    return tuple(os.fsdecode(path) for path in _BOUND.findall(content))


def _of_process(process: str, skipped: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    for link in ("cwd", "root", "exe"):
        yield from _inode(f"{process}/{link}", skipped)
    tables = [f"{process}/fd"]
    try:
        names = os.listdir(tables[0])
    except FileNotFoundError:  # the leader has ended, but its threads may hold files
        tables = [f"{process}/task/{thread}/fd" for thread in os.listdir(f"{process}/task")]
        names = []
    for table in tables:
        with suppress(FileNotFoundError):
            for name in names or os.listdir(table):
                yield from _inode(f"{table}/{name}", skipped)


def _inode(link: str, skipped: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """What a link of /proc stands for, if that is a file by its text: a read of the link never waits, stat(2) may."""
    with suppress(FileNotFoundError, ProcessLookupError):
        target = os.readlink(link)
        if target.startswith("/") and not target.startswith(skipped):
            found = os.stat(link)
            yield found.st_dev, found.st_ino


def _mapped(process: str) -> frozenset[tuple[int, int]]:
    """Mapped files. A process in uninterruptible sleep is not asked: its memory map may be locked, and then the read
    would sleep as long as it does. Its open files and directories were seen without that lock."""
    with open(f"{process}/stat", "rb") as file:
        if file.read().rpartition(b")")[2].split()[:1] == [b"D"]:
            return frozenset()
    with open(f"{process}/maps", "rb") as file:
        return parse_maps(file.read())


def _sockets(proc_root: str, skipped: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """A listening socket holds no descriptor of its name in the filesystem, but removing the name cuts it off."""
    with suppress(OSError), open(f"{proc_root}/net/unix", "rb") as file:
        for path in parse_unix_sockets(file.read()):
            if not path.startswith(skipped):
                with suppress(OSError):
                    found = os.lstat(path)
                    yield found.st_dev, found.st_ino

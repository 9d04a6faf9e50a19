"""Owns which files are names of sockets that somebody has bound: removing such a name cuts its service off.

The kernel is asked over netlink (sock_diag(7)), which tells device and inode of each. Text is not believed: the name of
an abstract socket may hold a newline and a forged line of /proc/net/unix, and any user can bind one.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import suppress

from watchdog_oom.host.purge.open_files import Place
from watchdog_oom.lean_dataclasses import dataclass

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST_DUMP = 0x301
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_SHOW_NAME, _SHOW_VFS = 1, 2  # linux/unix_diag.h
_NAME, _VFS = 0, 1
_HEADER = struct.Struct("=IHHII")
_ANSWER_BYTES = 16
_ATTRIBUTE = struct.Struct("=HH")
_INODE_AND_DEVICE = struct.Struct("=II")
_RECEIVE_BYTES = 1 << 16
_SECONDS = 1.0
_MINOR_BITS = 20
_LOW_BITS = (1 << 32) - 1
_LINE = re.compile(rb"[0-9a-fA-F]+: [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{4} [0-9A-F]{2} +\d+(?: (.*))?")


@dataclass(frozen=True, slots=True)
class BoundName:
    """The file that a socket is bound to: its device, the low 32 bits of its inode, the path that was given to bind."""

    device: int
    inode_low: int
    path: str


def sockets_in_use(place: Place, proc_root: str, skipped: tuple[str, ...]) -> set[int]:
    """The inodes on the spool's filesystem that sockets are bound to. ``skipped`` are not looked at by path."""
    try:
        names = _ask_the_kernel()
    except OSError:  # no such module, or a filter of system calls
        return set(by_path(proc_root, place, skipped))
    return {_full_inode(name, skipped) for name in names if name.device in (place.device, place.stat_device)}


def parse_answer(content: bytes) -> tuple[tuple[BoundName, ...], bool]:
    """The names in one message of sock_diag, and whether more messages follow. Raises OSError for a refusal."""
    names: list[BoundName] = []
    at = 0
    while at + _HEADER.size <= len(content):
        length, kind, _, _, _ = _HEADER.unpack_from(content, at)
        if kind == _NLMSG_DONE or length < _HEADER.size:
            return tuple(names), False
        if kind == _NLMSG_ERROR:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        attributes = dict(_attributes(content[at + _HEADER.size + _ANSWER_BYTES:at + length]))
        if len(attributes.get(_VFS, b"")) >= _INODE_AND_DEVICE.size:
            inode, device = _INODE_AND_DEVICE.unpack_from(attributes[_VFS])
            path = os.fsdecode(attributes.get(_NAME, b"").partition(b"\0")[0])
            names.append(BoundName(os.makedev(device >> _MINOR_BITS, device & ((1 << _MINOR_BITS) - 1)), inode, path))
        at += (length + 3) & ~3
    return tuple(names), True


def parse_unix_sockets(content: bytes) -> tuple[str, ...]:
    """The absolute paths in /proc/net/unix (unix(7)), true and forged: a name with a newline counts as what its first
    line says and as all of it, up to the next line that looks like the kernel's."""
    paths = []
    whole: bytes | None = None
    for line in content.split(b"\n"):
        found = _LINE.fullmatch(line)
        if found:
            whole = found[1] if (found[1] or b"").startswith(b"/") else None
        elif whole is not None and line:
            whole += b"\n" + line
        if whole is not None and (found or line):
            paths.append(os.fsdecode(whole))
    return tuple(paths)


def _ask_the_kernel() -> list[BoundName]:
    """Of our own network namespace. Raises OSError where the kernel does not answer in time, or cannot."""
    asked = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, _LOW_BITS, 0, _SHOW_NAME | _SHOW_VFS, _LOW_BITS, _LOW_BITS)
    header = _HEADER.pack(_HEADER.size + len(asked), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as asking:
        asking.settimeout(_SECONDS)
        asking.sendto(header + asked, (0, 0))
        names: list[BoundName] = []
        more = True
        while more:
            told, more = parse_answer(asking.recv(_RECEIVE_BYTES))
            names.extend(told)
    return names


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(content):
        length, kind = _ATTRIBUTE.unpack_from(content, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind, content[at + _ATTRIBUTE.size:at + length]
        at += (length + 3) & ~3


def _full_inode(name: BoundName, skipped: tuple[str, ...]) -> int:
    """The kernel tells 32 bits of the inode; where there are more, the path tells them, if it leads to that file."""
    if name.path.startswith("/") and not name.path.startswith(skipped):
        with suppress(OSError, ValueError):
            found = os.lstat(name.path)
            if found.st_ino & _LOW_BITS == name.inode_low:
                return found.st_ino
    return name.inode_low


def by_path(proc_root: str, place: Place, skipped: tuple[str, ...]) -> Iterator[int]:
    """Without sock_diag: a path counts only if it leads to a socket, so that a forged line pins nothing else."""
    with suppress(OSError), open(f"{proc_root}/net/unix", "rb") as file:
        for path in parse_unix_sockets(file.read()):
            if not path.startswith(skipped):
                with suppress(OSError, ValueError):
                    found = os.lstat(path)
                    if stat.S_ISSOCK(found.st_mode) and found.st_dev in (place.device, place.stat_device):
                        yield found.st_ino

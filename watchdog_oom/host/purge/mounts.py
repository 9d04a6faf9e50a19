"""Owns what /proc/PID/mountinfo says: mount points, their ids, devices and filesystems."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from watchdog_oom.host.spools.names import TRASH_PREFIX
from watchdog_oom.lean_dataclasses import dataclass

_OCTAL = re.compile(rb"\\([0-7]{3})")
_MOST_MAJOR, _MOST_MINOR = 1 << 12, 1 << 20
_REMOTE = frozenset({"9p", "afs", "ceph", "cifs", "nfs", "nfs4", "smb3", "smbfs", "virtiofs"})


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo; ``device`` is the filesystem's, which on btrfs is not what stat(2) says of its files."""

    id: int
    device: int
    point: str
    filesystem: str

    @property
    def remote(self) -> bool:
        """Whether a look at a file may have to wait for somebody else than the kernel."""
        return self.filesystem in _REMOTE or self.filesystem.startswith("fuse")


def parse_mountinfo(content: bytes) -> tuple[Mount, ...]:
    """The mounts in the kernel's order (proc(5)); lines that make no sense are skipped (Law 10)."""
    mounts = []
    for line in content.splitlines():
        before, _, after = line.partition(b" - ")
        fields = before.split(b" ")
        try:
            major, minor = fields[2].split(b":")
            mounts.append(Mount(int(fields[0]), device_number(major, minor), _unescaped(fields[4]),
                                os.fsdecode(after.split(b" ")[0])))
        except (IndexError, ValueError):
            continue
    return tuple(mounts)


def device_number(major: bytes, minor: bytes, base: int = 10) -> int:
    """A device from its two numbers; raises ValueError for what can be no device (12 and 20 bits, linux/kdev_t.h)."""
    numbers = int(major, base), int(minor, base)
    if not 0 <= numbers[0] < _MOST_MAJOR or not 0 <= numbers[1] < _MOST_MINOR:
        raise ValueError(numbers)
    return os.makedev(*numbers)


def read_mountinfo(proc_root: str = "/proc", process: str = "self") -> tuple[Mount, ...]:
    """The mounts a process sees; raises OSError where they cannot be read."""
    with open(f"{proc_root}/{process}/mountinfo", "rb") as file:
        return parse_mountinfo(file.read())


def children_with_mounts(mounts: Iterable[Mount], directory: str) -> frozenset[str]:
    """The names in a directory that are mount points or hold one somewhere below."""
    prefix = directory.rstrip("/") + "/"
    return frozenset(mount.point[len(prefix):].split("/", 1)[0] for mount in mounts if mount.point.startswith(prefix))


def in_trash(mounts: Iterable[Mount], directory: str) -> frozenset[tuple[str, str]]:
    """Mounts inside trash directories that stand in ``directory``: the name of the trash, and of the entry in it."""
    prefix = f"{directory.rstrip('/')}/{TRASH_PREFIX}"
    below = (mount.point[len(prefix) - len(TRASH_PREFIX):].split("/") for mount in mounts
             if mount.point.startswith(prefix))
    return frozenset((parts[0], parts[1]) for parts in below if len(parts) > 1)


def remote_points(mounts: Iterable[Mount], spool_path: str) -> tuple[str, ...]:
    """Where remote filesystems are mounted, each with a slash at its end, but not the one that holds the spool."""
    points = (mount.point.rstrip("/") + "/" for mount in mounts if mount.remote)
    return tuple(point for point in points if not (spool_path + "/").startswith(point))


def _unescaped(field: bytes) -> str:
    return os.fsdecode(_OCTAL.sub(lambda match: bytes([int(match[1], 8)]), field))

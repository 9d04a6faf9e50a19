"""Owns what one process has in use on the spool's filesystem, told without touching any other filesystem.

Which filesystem an open file belongs to is asked of the kernel's own tables (mount ids), never of the file: a look at a
file of somebody else's mount may wait for a dead server for ever, or be refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress

from watchdog_oom.host import syscalls
from watchdog_oom.host.processes.procfs import shown_at
from watchdog_oom.host.purge.mounts import Mount, device_number, read_mountinfo
from watchdog_oom.host.purge.threads import apart
from watchdog_oom.lean_dataclasses import dataclass

_MAPPED = re.compile(rb"^\S+ \S+ \S+ ([0-9a-f]+):([0-9a-f]+) (\d+) +/", re.MULTILINE)
_NO_FILES = ("/memfd:", "/dev/null", "/dev/pts/", "/dev/tty", "/dev/zero", "/dev/urandom")
_MOST_INODE = 1 << 64
_GONE = (FileNotFoundError, ProcessLookupError)


@dataclass(frozen=True, slots=True)
class Place:
    """The filesystem of the spool: its device in mountinfo and maps, the one stat(2) gives for the spool, its type."""

    device: int
    stat_device: int
    filesystem: str = ""

    def holds(self, found: os.stat_result) -> bool:
        """Whether a file of this filesystem may be one of the spool's: inode numbers of btrfs are a subvolume's own."""
        return self.filesystem != "btrfs" or found.st_dev == self.stat_device


class OpenFiles:
    """Reads the processes of one /proc, one after the other. ``remote`` are mount points of our own namespace that are
    not looked into by path; ``alive`` is called now and then, so that whoever waits knows that it goes on."""

    def __init__(self, proc_root: str, place: Place, mounts: Iterable[Mount] = (), remote: tuple[str, ...] = (),
                 alive: Callable[[], None] = lambda: None) -> None:
        self._proc_root = proc_root
        self._place = place
        self._devices = {mount.id: mount.device for mount in mounts}
        self._remote = remote
        self._alive = alive
        self._inodes: set[int] = set()
        self._blind = False

    def open_by(self, pid: int) -> tuple[set[int], bool]:
        """The inodes that the process has open, runs, or stands in; and whether some of it could not be told."""
        self._inodes, self._blind = set(), False
        refused = False
        for shown in apart(self._proc_root, pid):
            self._alive()
            try:
                self._links(shown)
                self._table(shown)
            except PermissionError:
                refused = True
            except _GONE:
                pass  # it ended meanwhile (Law 10)
            except OSError:
                self._blind = True
        return self._inodes, self._blind or (refused and _has_memory(shown_at(self._proc_root, pid)))

    def mapped_by(self, pid: int) -> tuple[set[int], bool]:
        """The same for the files that it has mapped. The process can hold this up for as long as it likes, by a fault
        in its memory that is never answered."""
        process = f"{self._proc_root}/{pid}"
        try:
            process = shown_at(self._proc_root, pid)
            with open(f"{process}/maps", "rb") as file:
                mapped = parse_maps(file.read())
        except PermissionError:
            return set(), _has_memory(process)
        except _GONE:
            return set(), False
        except OSError:
            return set(), True
        # Of a file on overlayfs, kernels before 6.8 show the device of the layer below.
        layered = self._place.filesystem == "overlay"
        return {inode for device, inode in mapped if layered or device == self._place.device}, False

    def _links(self, process: str) -> None:
        """Directory, root and executable. That their text names a remote mount counts only in our own namespace."""
        skipped = self._remote if self._remote and self._shares_our_mounts(process) else ()
        for name in ("cwd", "root", "exe"):
            with suppress(*_GONE):
                target = os.readlink(f"{process}/{name}")
                if target.startswith("/") and not target.startswith(skipped):
                    self._look(f"{process}/{name}", None, None)

    def _table(self, process: str) -> None:
        for count, name in enumerate(os.listdir(f"{process}/fd")):
            if count % 64 == 0:
                self._alive()
            with suppress(*_GONE):
                self._descriptor(process, name)

    def _descriptor(self, table: str, name: str) -> None:
        """One open file. A read of the link and of its fdinfo touches no filesystem; only files are asked further, so
        that no lock of an epoll or a device is waited for."""
        target = os.readlink(f"{table}/fd/{name}")
        if not target.startswith("/") or target.startswith(_NO_FILES):
            return
        mount = inode = None
        try:
            with open(f"{table}/fdinfo/{name}", "rb") as file:
                mount, inode = parse_fdinfo(file.read())
        except OSError:
            pass  # then the file's filesystem is asked for in another way
        self._look(f"{table}/fd/{name}", None if mount is None else self._device(table, mount), inode)

    def _device(self, table: str, mount: int) -> int | None:
        """The device of a mount, whoever sees it; ``None`` for one that nobody does, since it was detached."""
        if mount not in self._devices:
            with suppress(OSError):
                seen = read_mountinfo(self._proc_root, table[len(self._proc_root) + 1:])
                self._devices.update({other.id: other.device for other in seen})
        return self._devices.get(mount)

    def _look(self, link: str, device: int | None, inode: int | None) -> None:
        """Add what the link leads to if it is on the spool's filesystem: that one alone is asked with stat(2)."""
        try:
            if device is None:
                device = syscalls.device_of(link)
            if device not in (self._place.device, self._place.stat_device):
                return
            found = os.stat(link)
        except _GONE:
            return
        except OSError:
            if inode is None:
                self._blind = True
            else:
                self._inodes.add(inode)
            return
        if self._place.holds(found):
            self._inodes.add(found.st_ino)

    def _shares_our_mounts(self, process: str) -> bool:
        with suppress(OSError):
            return os.readlink(f"{process}/ns/mnt") == os.readlink(f"{self._proc_root}/self/ns/mnt")
        return False


def parse_maps(content: bytes) -> frozenset[tuple[int, int]]:
    """(device, inode) of the files in /proc/PID/maps (proc(5)); the device is the filesystem's. A line whose numbers
    make no sense is skipped (Law 10)."""
    found = set()
    for major, minor, inode in _MAPPED.findall(content):
        with suppress(ValueError):
            if (number := _inode(inode)) is not None:
                found.add((device_number(major, minor, 16), number))
    return frozenset(found)


def parse_fdinfo(content: bytes) -> tuple[int | None, int | None]:
    """Mount id and inode of an open file (proc(5), /proc/PID/fdinfo); the inode is told since Linux 5.14. The kernel's
    own lines come first, so that nothing a driver or a lock adds below can replace them."""
    values: dict[bytes, int | None] = {}
    for line in content.splitlines():
        key, _, value = line.partition(b":")
        if key in (b"mnt_id", b"ino"):
            values.setdefault(key, _inode(value.strip()))
    return values.get(b"mnt_id"), values.get(b"ino")


def _inode(digits: bytes) -> int | None:
    number = int(digits) if digits.isdigit() and len(digits) <= 20 else _MOST_INODE
    return number if number < _MOST_INODE else None


def _has_memory(process: str) -> bool:
    """Whether it could use a file at all: kernel threads and what has ended have no memory of their own."""
    with suppress(OSError), open(f"{process}/status", "rb") as file:
        return b"\nVmSize:" in file.read()
    return False

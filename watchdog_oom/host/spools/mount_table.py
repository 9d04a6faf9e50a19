"""Owns what is mounted inside the spools: known before anything is touched, since a look at it may never return."""

from __future__ import annotations

import os
import select

from watchdog_oom.host.purge.mounts import Mount, children_with_mounts, parse_mountinfo

_CHUNK_BYTES = 65536


class MountTable:
    """The mounts this process sees, read again whenever the kernel says that one came or went (proc(5), mountinfo: it
    is then ready for POLLPRI). Where they cannot be read, nothing is known to be mounted."""

    def __init__(self, proc: str = "/proc") -> None:
        self._mounts: tuple[Mount, ...] = ()
        self._names: dict[str, frozenset[str]] = {}
        self._poll = select.poll()
        try:
            self._fd = os.open(f"{proc}/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._fd = -1
            return
        self._poll.register(self._fd, select.POLLPRI)
        self._read()

    def names_in(self, directory: str) -> frozenset[str]:
        """The names in a directory that are mount points or hold one somewhere below, as of now."""
        if self._poll.poll(0):
            self._read()
        if directory not in self._names:
            self._names[directory] = children_with_mounts(self._mounts, directory)
        return self._names[directory]

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def _read(self) -> None:
        content = bytearray()
        try:
            os.lseek(self._fd, 0, os.SEEK_SET)
            while part := os.read(self._fd, _CHUNK_BYTES):
                content += part
        except OSError:
            return
        self._names.clear()
        self._mounts = parse_mountinfo(bytes(content))

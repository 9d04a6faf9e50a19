"""Owns the way down into a directory tree by descriptors: never out of it, at any depth, with few open files."""

from __future__ import annotations

import errno
import os

from watchdog_oom.host import syscalls
from watchdog_oom.lean_dataclasses import dataclass

MOST_OPEN = 32


@dataclass(slots=True)
class _Frame:
    name: str
    fd: int
    device: int
    inode: int


class Descent:
    """A stack of directories below ``base_fd`` (which stays the caller's).

    Only the deepest ``MOST_OPEN`` are kept open; on the way back the others are opened again as ``..`` and must be the
    very directories they were: a tree that somebody moves meanwhile ends the descent with an error (Law 7).
    """

    def __init__(self, base_fd: int) -> None:
        self._base_fd = base_fd
        self._frames: list[_Frame] = []

    @property
    def fd(self) -> int:
        return self._frames[-1].fd if self._frames else self._base_fd

    def enter(self, name: str) -> os.stat_result:
        """Go one directory down; answers with its fstat. Raises OSError: EXDEV for another mount, ELOOP or ENOTDIR for
        what is no directory (any more)."""
        fd = syscalls.open_directory(name, self.fd)
        found = os.fstat(fd)
        self._frames.append(_Frame(name, fd, found.st_dev, found.st_ino))
        if len(self._frames) > MOST_OPEN:
            distant = self._frames[-1 - MOST_OPEN]
            if distant.fd >= 0:
                os.close(distant.fd)
                distant.fd = -1
        return found

    def leave(self) -> str:
        """Go back up; answers with the name of the directory just left. Raises OSError when the way back is gone."""
        left = self._frames.pop()
        try:
            if self._frames and self._frames[-1].fd < 0:
                self._frames[-1].fd = self._reopened(left.fd, self._frames[-1])
        finally:
            os.close(left.fd)
        return left.name

    def close(self) -> None:
        for frame in self._frames:
            if frame.fd >= 0:
                os.close(frame.fd)
        self._frames.clear()

    def path(self) -> str:
        """Where the descent stands, relative to the base, for messages."""
        return "/".join(frame.name for frame in self._frames)

    @staticmethod
    def _reopened(fd_below: int, expected: _Frame) -> int:
        fd = os.open("..", syscalls.OPEN_DIRECTORY, dir_fd=fd_below)
        found = os.fstat(fd)
        if (found.st_dev, found.st_ino) != (expected.device, expected.inode):
            os.close(fd)
            raise OSError(errno.ESTALE, "the directory was moved meanwhile", expected.name)
        return fd

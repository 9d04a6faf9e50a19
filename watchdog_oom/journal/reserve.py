"""Disk space reserved for the journal, so that records can still be written for a while on a full disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress

from watchdog_oom.journal.files import RESERVE, open_for_writing
from watchdog_oom.lean_typing import TypeAlias

AHEAD_BYTES = 256 << 10
_STEP_BYTES = 512 << 10
_RETRY_SECONDS = 10.0
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS)

Allocate: TypeAlias = Callable[[int, int, int], None]
"""Takes descriptor, offset and length in bytes, and reserves blocks without changing the file's size. Raises OSError.
The journal imports nothing from the host, so this is passed in: ``host/syscalls.py`` has it."""


class Reserve:
    """At least 256 KiB beyond the file's end; if that is not possible, a spare file to delete."""

    def __init__(self, directory_fd: int, allocate: Allocate | None) -> None:
        self._directory_fd = directory_fd
        self._allocate = allocate
        self._until = 0
        self._not_before = 0.0

    def reset(self) -> None:
        """A new segment is written from now on, with nothing reserved for it yet."""
        self._until = 0
        self._not_before = 0.0

    def keep_ahead(self, fd: int, size_bytes: int, boottime: float) -> None:
        """Extend the reserve when little is left. On a full disk this is retried at most every 10 s, since a failing
        allocation can be slow. Never raises."""
        if self._until - size_bytes >= AHEAD_BYTES or boottime < self._not_before:
            return
        try:
            if self._allocate is not None:
                self._allocate(fd, size_bytes, _STEP_BYTES)
                self._until = size_bytes + _STEP_BYTES
            else:
                self._fill_spare_file()
                self._not_before = boottime + _RETRY_SECONDS
        except OSError as error:
            if self._allocate is not None and error.errno in _UNSUPPORTED:
                self._allocate = None
                self.keep_ahead(fd, size_bytes, boottime)
            else:
                self._not_before = boottime + _RETRY_SECONDS

    def release(self) -> bool:
        """Delete the spare file; returns whether there was one, so that a failed write can be retried."""
        try:
            os.unlink(RESERVE, dir_fd=self._directory_fd)
        except OSError:
            return False
        return True

    def _fill_spare_file(self) -> None:
        fd = open_for_writing(self._directory_fd, RESERVE, 0)
        try:
            missing = AHEAD_BYTES - os.fstat(fd).st_size
            if missing > 0:
                # neither zeros nor sparse: some file systems would store neither
                os.pwrite(fd, os.urandom(4096) * (missing // 4096), AHEAD_BYTES - missing)
        except OSError:
            with suppress(OSError):  # an incomplete reserve would only fill the disk further
                os.unlink(RESERVE, dir_fd=self._directory_fd)
            raise
        finally:
            os.close(fd)

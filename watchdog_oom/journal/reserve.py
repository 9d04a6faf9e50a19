"""Disk space reserved for the journal, so that records can still be written for a while on a full disk."""

from __future__ import annotations

import ctypes
import errno
import os
from contextlib import suppress

from watchdog_oom.journal.files import RESERVE, open_for_writing

AHEAD_BYTES = 256 << 10
_STEP_BYTES = 512 << 10
_RETRY_SECONDS = 10.0
_FALLOC_FL_KEEP_SIZE = 0x01  # linux/falloc.h
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS)

_libc = ctypes.CDLL(None, use_errno=True)
_fallocate = _libc.fallocate64 if hasattr(_libc, "fallocate64") else _libc.fallocate
_fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


def allocate_beyond_end(fd: int, offset: int, length: int) -> None:
    """fallocate(2) with FALLOC_FL_KEEP_SIZE: reserves blocks without changing the file's size. Raises OSError."""
    if _fallocate(fd, _FALLOC_FL_KEEP_SIZE, offset, length) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Reserve:
    """At least 256 KiB beyond the file's end; if the file system does not support that, a spare file to delete."""

    def __init__(self, directory_fd: int, *, preallocate: bool = True) -> None:
        self._directory_fd = directory_fd
        self._preallocate = preallocate
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
            if self._preallocate:
                allocate_beyond_end(fd, size_bytes, _STEP_BYTES)
                self._until = size_bytes + _STEP_BYTES
            else:
                self._fill_spare_file()
                self._not_before = boottime + _RETRY_SECONDS
        except OSError as error:
            if self._preallocate and error.errno in _UNSUPPORTED:
                self._preallocate = False
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

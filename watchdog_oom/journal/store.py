"""The journal's files as the daemon writes them: the current segment, the head, rotation, damaged segments.

Everything here may raise OSError or WatchdogError; ``Journal`` counts the records lost by that.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress

from watchdog_oom.errors import UsageError, WatchdogError
from watchdog_oom.journal.chain import GENESIS, ChainLink, digest_of
from watchdog_oom.journal.files import (
    CURRENT,
    HEAD,
    Segment,
    closed_name,
    closed_segments,
    damaged_name,
    open_directory,
    open_for_writing,
)
from watchdog_oom.journal.head import Head, format_head
from watchdog_oom.journal.inspect import examine
from watchdog_oom.journal.reserve import Allocate, Reserve

_REOPEN_SECONDS = 10.0
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Store:
    """``last`` is the newest record written, ``first_kept`` the oldest that is kept, which every record states;
    ``damaged`` is damage that was found and not yet reported."""

    def __init__(self, directory: str, *, segment_bytes: int, keep: int, allocate: Allocate | None) -> None:
        self.last = GENESIS
        self.damaged: str | None = None
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._keep = keep
        self._allocate = allocate
        self.first_kept = 1
        self._current_first: int | None = None
        self._surplus: tuple[Segment, ...] = ()
        self._size_bytes = 0
        self._directory_fd = self._head_fd = self._fd = -1
        self._reserve: Reserve | None = None
        self._reopen_at = 0.0

    def open(self) -> None:
        """Lock the directory and continue where the chain ends."""
        try:
            self._open()
        except (OSError, WatchdogError):
            self.close()
            raise

    def close(self) -> None:
        for fd in (self._fd, self._head_fd, self._directory_fd):
            if fd >= 0:
                with suppress(OSError):
                    os.close(fd)
        self._fd = self._head_fd = self._directory_fd = -1
        self._reserve = None

    def sync(self) -> None:
        """fdatasync(2), the lines before the head."""
        for fd in (self._fd, self._head_fd):
            if fd >= 0:
                with suppress(OSError):
                    os.fdatasync(fd)

    def prepare(self, boottime: float) -> None:
        """Have a segment that is where it should be, is not too long, and has space ahead."""
        if self._fd < 0:
            self._reopen(boottime)
        self._check_place()
        if self._size_bytes >= self._segment_bytes and self._current_first is not None:
            self._rotate(self._current_first)
        if self._reserve is not None:
            self._reserve.keep_ahead(self._fd, self._size_bytes, boottime)

    def append(self, line: bytes) -> None:
        """Write the complete line (given without its newline) or nothing; first the line, then the head."""
        whole = line + b"\n"
        try:
            self._put(whole)
        except OSError as error:
            if error.errno not in _NO_SPACE or not self._make_room():
                raise
            self._put(whole)
        self.last = ChainLink(self.last.seq + 1, digest_of(line))
        if self._current_first is None:
            self._current_first = self.last.seq
        self._size_bytes += len(whole)
        with suppress(OSError):  # a failed write of the head is corrected by the next record's
            self._write_head()
        self._remove_surplus()

    def _open(self) -> None:
        self._directory_fd = open_directory(self._directory)
        self._head_fd = open_for_writing(self._directory_fd, HEAD, 0)
        self._lock()
        found = examine(self._directory_fd, self._head_fd)
        self.first_kept = found.first_seq
        self._current_first = found.current_first_seq
        self.damaged = found.damaged
        if found.last.seq >= self.last.seq:
            self.last = found.last
        else:
            self.damaged = f"{CURRENT}: the journal was removed or shortened while the daemon wrote it"
        self._reserve = Reserve(self._directory_fd, self._allocate)
        if found.set_aside:
            self._set_aside()
        self._begin_segment()
        self._write_head()

    def _lock(self) -> None:
        # A POSIX lock and not flock: forked children do not inherit it, so a purge that outlives a crashed daemon does
        # not keep the next one from starting. Closing any other descriptor of the head would drop it (fcntl(2)), so
        # the daemon opens the head once.
        try:
            fcntl.lockf(self._head_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise UsageError(f"{self._directory}: another watchdog-oomd writes this journal") from error

    def _reopen(self, boottime: float) -> None:
        if boottime < self._reopen_at:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self._reopen_at = boottime + _REOPEN_SECONDS
        self.close()
        self.open()

    def _begin_segment(self) -> None:
        self._fd = open_for_writing(self._directory_fd, CURRENT, os.O_APPEND)
        self._size_bytes = os.fstat(self._fd).st_size
        if self._reserve is not None:
            self._reserve.reset()

    def _renew(self) -> None:
        os.close(self._fd)
        self._fd = -1
        self._current_first = None
        self._begin_segment()

    def _check_place(self) -> None:
        """Detect that the segment was moved, removed, shortened or lengthened: the chain then continues in a new one,
        which reports it."""
        try:
            named = os.stat(CURRENT, dir_fd=self._directory_fd, follow_symlinks=False)
        except FileNotFoundError:
            self.damaged = f"{CURRENT}: was removed or renamed while the daemon wrote it"
            self._renew()
            return
        own = os.fstat(self._fd)
        if (named.st_dev, named.st_ino) != (own.st_dev, own.st_ino):
            self.damaged = f"{CURRENT}: was replaced while the daemon wrote it"
        elif own.st_size != self._size_bytes:
            self.damaged = f"{CURRENT}: was changed by something other than the daemon"
        else:
            return
        self._set_aside()
        self._renew()

    def _put(self, whole: bytes) -> None:
        written = os.write(self._fd, whole)
        if written != len(whole):
            os.ftruncate(self._fd, self._size_bytes)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _write_head(self) -> None:
        os.pwrite(self._head_fd, format_head(Head(self.last, self.first_kept)), 0)

    def _rotate(self, first_seq: int) -> None:
        """Close the current segment under the number of its first record, and find the closed ones that are too old."""
        with suppress(OSError):
            os.ftruncate(self._fd, self._size_bytes)  # frees the reserved space
        self._rename_current(closed_name(first_seq))
        self._renew()
        self._prune()

    def _set_aside(self) -> None:
        """Keep a damaged segment under a separate name, for ``audit verify`` to report."""
        self._rename_current(damaged_name(self._directory_fd, self._current_first or self.last.seq + 1))
        self._current_first = None

    def _rename_current(self, name: str) -> None:
        os.rename(CURRENT, name, src_dir_fd=self._directory_fd, dst_dir_fd=self._directory_fd)

    def _prune(self) -> None:
        closed = closed_segments(self._directory_fd)
        self._surplus = closed[:max(0, len(closed) - self._keep)]
        if self._surplus:
            self.first_kept = min((s.first_seq for s in closed[len(self._surplus):]), default=self.last.seq + 1)

    def _remove_surplus(self) -> bool:
        """Once a record and the head say so: that tells verify that the daemon itself removed them."""
        surplus, self._surplus = self._surplus, ()
        for segment in surplus:
            with suppress(OSError):
                os.unlink(segment.name, dir_fd=self._directory_fd)
        return bool(surplus)

    def _make_room(self) -> bool:
        """On a full disk: the spare file, or what would be removed after the next record anyway."""
        return (self._reserve is not None and self._reserve.release()) or self._remove_surplus()

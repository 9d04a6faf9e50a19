"""The daemon's own small files: replaced atomically, so that a reader never sees a partial one; links not followed."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from watchdog_oom.host import syscalls

PAGE_BYTES = 4096
_MOST_SPARE_BYTES = 1 << 20


def replace_file(path: str, content: bytes, mode: int = 0o600) -> bool:
    """Write a new file and rename it into place; returns whether that succeeded. A symlink is not followed."""
    try:
        fd = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        try:
            os.fchmod(fd, mode)
            whole = os.write(fd, content) == len(content)  # a full disk may accept only a part
        finally:
            os.close(fd)
        if whole:
            os.rename(f"{path}.new", path)
    except OSError:
        return False
    return whole


def swap_file(path: str, content: bytes, mode: int = 0o600) -> None:
    """Like ``replace_file``, but works on a full disk, too: the replaced file stays as ``.new``, and the next content
    is written over it, into space that it already has. Newlines fill the file to whole pages. Raises OSError."""
    spare = f"{path}.new"
    _write_over(spare, content, mode)
    try:
        syscalls.exchange(spare, path)
    except OSError:  # the first time, or a filesystem that cannot exchange
        os.rename(spare, path)
        with suppress(OSError):
            _write_over(spare, content, mode)


def read_own(path: str, most_bytes: int = 1 << 24) -> bytes:
    """The content of a regular file that nobody else could have written; a symlink is not followed. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022:
            raise OSError(errno.EPERM, "it is not a file that root alone can write", path)
        return os.read(fd, most_bytes)
    finally:
        os.close(fd)


def _write_over(path: str, content: bytes, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        os.fchmod(fd, mode)
        pages = -(-len(content) // PAGE_BYTES) * PAGE_BYTES
        if os.fstat(fd).st_size > pages + _MOST_SPARE_BYTES:  # none of ours: its room is not worth the writing
            os.ftruncate(fd, pages)
        whole = content.ljust(max(pages, os.fstat(fd).st_size), b"\n")
        if os.pwrite(fd, whole, 0) != len(whole):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    finally:
        os.close(fd)

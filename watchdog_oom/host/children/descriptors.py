"""Descriptors for children: what they are told, what they print, pipes. None is inherited by accident."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress


def in_memory(content: bytes) -> int:
    """A file in memory that has the content, at its beginning: whoever is told something so is waited for by nobody.
    Raises OSError."""
    told = os.memfd_create("told", os.MFD_CLOEXEC)
    while content:
        content = content[os.write(told, content):]
    os.lseek(told, 0, os.SEEK_SET)
    return told


def two_pipes() -> tuple[int, int, int, int]:
    """The read and the write end of one and of another. Both or none: where descriptors run out, none is lost for
    good. Raises OSError."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        return reading, writing, *os.pipe2(os.O_CLOEXEC)
    except OSError:
        os.close(reading)
        os.close(writing)
        raise


def unlinked_file(directory: str | None) -> int:
    """An unlinked file: in the given directory (on a disk) if possible, else in memory.

    It is opened for appending, so that a script's ``> /dev/stderr``, which truncates it, leaves no hole, and writing
    continues at the new end after a trim.
    """
    if directory is not None:
        with suppress(OSError):
            return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)
    fd = os.memfd_create("output", os.MFD_CLOEXEC)
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
    return fd

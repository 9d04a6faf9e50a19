"""The journal's directory: the names of its files, opening them safely, and reading lines from them."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Iterator

from watchdog_oom.errors import NotPermittedError, UsageError
from watchdog_oom.journal.chain import ChainLink, link_of
from watchdog_oom.lean_dataclasses import dataclass

CURRENT = "audit.jsonl"
HEAD = "audit.head"
RESERVE = "audit.reserve"
_CLOSED = re.compile(r"audit-(\d{12,18})(\.damaged(?:-\d+)?)?\.jsonl")
_CHUNK_BYTES = 128 << 10
_TAIL_BYTES = 512 << 10
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One closed file of the chain, by the number of its first record."""

    first_seq: int
    name: str
    damaged: bool = False


def open_directory(directory: str) -> int:
    """Open the journal's directory, created with mode 0700 if missing.

    Law 12: a directory that anybody but root and this user can write to is refused, never repaired: the administrator
    must learn of it.
    """
    try:
        if not os.path.isdir(directory):
            os.makedirs(directory, 0o700, exist_ok=True)
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except PermissionError as error:
        raise NotPermittedError(f"{directory}: cannot keep the journal here: {error.strerror}") from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EEXIST):
            raise UsageError(f"{directory}: is not a directory, so it cannot hold the journal") from error
        raise
    status = os.fstat(fd)
    problem = ""
    if status.st_uid not in (0, os.geteuid()):
        problem = f"belongs to user {status.st_uid}, who could replace the journal: chown root it"
    elif status.st_mode & 0o022:
        problem = f"others can write to it (mode {stat.S_IMODE(status.st_mode):04o}): chmod go-w it"
    if problem:
        os.close(fd)
        raise UsageError(f"{directory}: cannot hold the journal: {problem}")
    return fd


def open_for_writing(directory_fd: int, name: str, flags: int) -> int:
    """Open or create (0600) a regular file for reading and writing; links and special files are refused."""
    flags |= os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        fd = os.open(name, flags, 0o600, dir_fd=directory_fd)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise UsageError(f"{name}: is not a regular file; the journal does not write to it") from error
        raise
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or status.st_mode & 0o022:
        os.close(fd)
        raise UsageError(f"{name}: is not a file of our own alone (a second link, or others may write)")
    return fd


def open_for_reading(directory_fd: int, name: str) -> int | None:
    """A descriptor, or ``None`` if there is no such regular file."""
    try:
        fd = os.open(name, _READ, dir_fd=directory_fd)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):
            return None
        raise
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    return None


def closed_segments(directory_fd: int) -> tuple[Segment, ...]:
    """The closed segments, oldest first."""
    found = []
    for name in os.listdir(directory_fd):
        match = _CLOSED.fullmatch(name)
        if match:
            found.append(Segment(int(match[1]), name, bool(match[2])))
    return tuple(sorted(found))


def closed_name(first_seq: int) -> str:
    return f"audit-{first_seq:012d}.jsonl"


def damaged_name(directory_fd: int, first_seq: int) -> str:
    """An unused name for a segment that is set aside; evidence is never overwritten."""
    taken = set(os.listdir(directory_fd))
    name = f"audit-{first_seq:012d}.damaged.jsonl"
    count = 1
    while name in taken:
        count += 1
        name = f"audit-{first_seq:012d}.damaged-{count}.jsonl"
    return name


def lines_of(fd: int, *, patience_seconds: float = 0.0) -> Iterator[tuple[bytes, bool]]:
    """The lines of a file from its current offset, in constant memory, each with whether it ended with a newline.

    While the daemon writes, a reader can see a line of which only the first pages are visible yet: it waits up to
    ``patience_seconds`` for the rest.
    """
    rest = b""
    deadline = None
    while True:
        chunk = os.read(fd, _CHUNK_BYTES)
        if chunk:
            whole = (rest + chunk).split(b"\n")
            rest = whole.pop()
            for line in whole:
                yield line, True
        elif not rest or patience_seconds <= 0:
            break
        else:
            deadline = deadline or time.monotonic() + patience_seconds
            if time.monotonic() >= deadline:
                break
            time.sleep(0.005)
    if rest:
        yield rest, False


def last_link(directory_fd: int, name: str) -> ChainLink | None:
    """The position of a segment's last complete record, read from its end."""
    fd = open_for_reading(directory_fd, name)
    if fd is None:
        return None
    try:
        size_bytes = os.fstat(fd).st_size
        tail = os.pread(fd, _TAIL_BYTES, max(0, size_bytes - _TAIL_BYTES))
    finally:
        os.close(fd)
    links = (link_of(line) for line in reversed(tail.split(b"\n")[:-1]))
    return next((link for link in links if link is not None), None)

"""The state on disk: written as a whole, so that a kill at any moment leaves the one before it or the new one."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from contextlib import suppress
from typing import Any

from watchdog_oom.cli.notify.book import NotifyBook, book_of, plain_book
from watchdog_oom.daemon.atomic_file import read_own, swap_file
from watchdog_oom.daemon.own_directories import own_directory
from watchdog_oom.errors import UsageError
from watchdog_oom.formatting import printable

STATE_NAME = "notify.json"
_LARGEST_BYTES = 64 << 20


class NotifyStore:
    """One directory, which one process at a time may use. Its file is swapped with a spare one, which has its space on
    the disk already: a full disk, which may be what is to be told, takes it."""

    def __init__(self, directory: str) -> None:
        """Raises UsageError where another process has it, or others could write to it; NotPermittedError."""
        self._path = f"{directory}/{STATE_NAME}"
        self._saved = 0
        own_directory(directory, "state")
        self._lock = os.open(f"{directory}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise UsageError(f"{printable(directory)}: another watchdog-oom notify uses it: the service runs already"
                             ) from None

    def load(self) -> tuple[NotifyBook, str]:
        """What was saved last, and in words what is wrong with it. A new book if there is none, or none that can be
        read: that is set aside."""
        found = [(saved, book) for path in (self._path, f"{self._path}.new") if (read := _read(path)) is not None
                 for saved, book in (read,)]
        if found:
            self._saved, book = max(found, key=lambda pair: pair[0])
            return book, ""
        if not os.path.lexists(self._path):
            return NotifyBook(), ""
        with suppress(OSError):
            os.rename(self._path, f"{self._path}.damaged")
        return NotifyBook(), (f"{printable(self._path)} could not be read and was set aside: what was not told before "
                              "is lost")

    def save(self, book: NotifyBook) -> str:
        """Why it could not be written, in words; empty if it was."""
        self._saved += 1
        plain = {"saved": self._saved, **plain_book(book)}
        try:
            swap_file(self._path, json.dumps(plain, separators=(",", ":")).encode("ascii"))
            _sync(self._path)
        except OSError as error:
            return f"{printable(self._path)} cannot be written: {error.strerror}"
        return ""

    def close(self) -> None:
        os.close(self._lock)


def _read(path: str) -> tuple[int, NotifyBook] | None:
    try:
        plain: Any = json.loads(read_own(path, _LARGEST_BYTES))
        return int(plain["saved"]), book_of(plain)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _sync(path: str) -> None:
    """A power failure must not lose it either: this process may wait for the disk, unlike the daemon."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

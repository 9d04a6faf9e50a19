"""The journal's lines for somebody who goes on reading: those that are there, then those that are added.

A file is known by its first line, in which number and time are like in no other: names and inodes are used again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from watchdog_oom.journal.files import CURRENT
from watchdog_oom.journal.reader import opened_segments

_CHUNK_BYTES = 128 << 10
_KNOWN_BY_BYTES = 160  # version, number, time, boot id


class JournalTail:
    """Survives rotation, however many files were closed between two looks, and a daemon that begins a new journal."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._fd = -1
        self._rest = b""
        self._read: set[bytes] = set()

    def lines(self) -> Iterator[bytes]:
        """The complete lines that are new since the last call, oldest first; at the first call, all."""
        moved = self._moved()  # first: what the daemon wrote before it moved the file on is in the file then
        yield from self._rest_of_file()
        if moved:
            yield from self._files_after()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._rest = -1, b""

    def _moved(self) -> bool:
        """Whether the daemon writes another file than the one that is open."""
        if self._fd < 0:
            return True
        try:
            named = os.stat(f"{self._directory}/{CURRENT}", follow_symlinks=False)
        except FileNotFoundError:
            return True
        own = os.fstat(self._fd)
        return (named.st_dev, named.st_ino) != (own.st_dev, own.st_ino)

    def _files_after(self) -> Iterator[bytes]:
        """What the files hold that were not read before; the newest stays open."""
        if self._fd >= 0:
            self._read.add(_known_by(self._fd) or b"empty")
        with opened_segments(self._directory) as segments:
            names = {}
            for name, fd in segments:
                self.close()
                known_by = names[name] = _known_by(fd)
                if known_by in self._read:
                    continue
                self._fd = os.dup(fd)
                yield from self._rest_of_file()
            if CURRENT not in names:
                self.close()
            self._read = {known_by for name, known_by in names.items() if name != CURRENT}

    def _rest_of_file(self) -> Iterator[bytes]:
        while self._fd >= 0 and (chunk := os.read(self._fd, _CHUNK_BYTES)):
            whole = (self._rest + chunk).split(b"\n")
            self._rest = whole.pop()
            yield from whole


def _known_by(fd: int) -> bytes:
    return os.pread(fd, _KNOWN_BY_BYTES, 0)

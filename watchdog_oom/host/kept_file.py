"""Files of /proc that are read at every tick: opened once and kept open."""

from __future__ import annotations

import os
from contextlib import suppress

_LARGEST_BYTES = 64 * 1024


class KeptFile:
    """One file, read from its start at every call; opened again after a failure.

    An open descriptor saves most of the time of a read, and the file can still be read when the daemon has run out of
    descriptors. ``problem`` says in words why the last read failed, and is empty if it succeeded.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.problem = ""
        self._fd = -1

    def read(self) -> bytes | None:
        """The whole content, or ``None`` if it cannot be read now."""
        for _ in range(2):
            try:
                if self._fd < 0:
                    self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
                content = self._content()
            except OSError as error:
                self.problem = f"{self.path}: {error.strerror}"
                self.close()
            else:
                self.problem = ""
                return content
        return None

    def _content(self) -> bytes:
        """A seq_file returns a page at a time, so a short read does not mean the end."""
        content = b""
        while len(content) < _LARGEST_BYTES:
            part = os.pread(self._fd, 8192, len(content))
            if not part:
                break
            content += part
        return content

    def close(self) -> None:
        if self._fd >= 0:
            with suppress(OSError):
                os.close(self._fd)
        self._fd = -1

"""Whether the program's files are still those that this process was started from.

Some of the code is run by children only. They load it from the disk when it is needed: as modules of the daemon it
would stay in locked memory (Law 11). Between an upgrade of the package and the restart that would be a newer version in
an older process, which such a child does not work with.
"""

from __future__ import annotations

import os

import watchdog_oom

_FILE = watchdog_oom.__file__  # it states the version, so every release replaces it
REPLACED = "the program's files were replaced since the daemon started: restart it"


class CodeReplacedError(Exception):
    """Another version of the program stands where this one was."""

    def __init__(self) -> None:
        super().__init__(REPLACED)


def _stamp() -> tuple[int, ...]:
    """What a replaced file does not share with the one before it; no more than that, if there is no file."""
    try:
        found = os.stat(_FILE)
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


_STARTED_WITH = _stamp()


def refuse_another_version() -> None:
    """To be called when the code was loaded, before any of it is run; raises CodeReplacedError."""
    if _stamp() != _STARTED_WITH:
        raise CodeReplacedError

"""The files that a process has open, by the names that the kernel gives them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from watchdog_oom.host.processes.procfs import read_link, shown_at

_MOST_DESCRIPTORS = 4096


def open_paths(root: str, pid: int, most_descriptors: int = _MOST_DESCRIPTORS) -> Iterator[str]:
    """Working directory, root directory and open files as named by the kernel, including ``(deleted)``.

    Of a process with a huge number of descriptors only the first are read, so that it cannot stall the daemon.
    """
    place = shown_at(root, pid)
    for name in ("cwd", "root"):
        if (path := read_link(f"{place}/{name}")) is not None:
            yield path
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError), os.scandir(f"{place}/fd") as entries:
        for entry in islice(entries, most_descriptors):
            if (path := read_link(entry.path)) is not None:
                yield path

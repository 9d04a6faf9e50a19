"""Policy files on disk: their names, their content, whether others could change them. Nothing here raises."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable

from watchdog_oom.errors import Fault
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass, field
from watchdog_oom.paths import POLICIES
from watchdog_oom.policy import ownership

_FILE_NAME = re.compile(r"[A-Za-z0-9_-]+\.toml")
_LARGEST_FILE_BYTES = 1 << 20


@dataclass(slots=True)
class Gathered:
    """The tables, notes and faults found so far."""

    paths: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, path: str, what: str, line: int = 0) -> None:
        self.faults.append(Fault(printable(path), line, "", what))


def files_of(directories: Iterable[str]) -> Gathered:
    """The policy files of all directories, sorted by name; everything else is listed in the notes.

    A directory given explicitly must exist; only the default one may be missing.
    """
    gathered = Gathered()
    found: list[tuple[str, str]] = []
    for directory in directories:
        try:
            entries = sorted(os.listdir(directory))
        except OSError as error:
            if error.errno == errno.ENOENT and directory.rstrip("/") == POLICIES:
                gathered.notes.append(f"{directory}: no such directory")
            else:
                gathered.fault(directory, f"the policy directory cannot be read: {error.strerror}")
            continue
        for name in entries:
            path = os.path.join(directory, name)
            if _FILE_NAME.fullmatch(name):
                found.append((name, path))
            else:
                gathered.notes.append(f"{printable(path)}: ignored, because it is not called NAME.toml "
                                      "(letters, digits, - and _)")
    gathered.paths = [path for _, path in sorted(found, key=lambda pair: pair[0])]
    return gathered


def read(path: str, gathered: Gathered) -> bytes | None:
    """The content of a regular file, or ``None`` after recording a fault. Never waits on a FIFO or a device."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        gathered.fault(path, f"cannot be read: {error.strerror}")
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            gathered.fault(path, "cannot be read: it is not a regular file")
            return None
        with os.fdopen(fd, "rb", closefd=False) as file:
            data = file.read(_LARGEST_FILE_BYTES + 1)
    except OSError as error:
        gathered.fault(path, f"cannot be read: {error.strerror}")
        return None
    finally:
        os.close(fd)
    if len(data) > _LARGEST_FILE_BYTES:
        gathered.fault(path, "is larger than 1 MiB: this is not a policy")
        return None
    return data


def judge(gathered: Gathered, paths: Iterable[str]) -> None:
    """Record as faults the path components that others could change; what cannot be read is reported by the reader."""
    trusted = ownership.trusted_users(os.geteuid())
    for path in paths:
        try:
            way = ownership.read_way(path)
        except OSError:
            continue
        for place, what in ownership.problems(way, trusted):
            gathered.fault(place, what)

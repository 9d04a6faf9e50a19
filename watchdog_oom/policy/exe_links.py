"""Which file an ``exe`` of a policy leads to through symbolic links, such as ``/usr/bin/java`` or a merged ``/bin``.

The kernel names a process's executable by its real path. A link is followed only where nobody but root could change it:
every directory, link and the file itself on the way belong to root and are not writable by others, sticky or not.
Otherwise any user could make a program of their own match. The file system is read here, so this is for the child that
loads policies and for the command.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence

from watchdog_oom.lean_typing import Any
from watchdog_oom.policy.ownership import Part, read_way

_WILDCARDS = frozenset("*?[")


def plain_paths(ir: Mapping[str, Any]) -> frozenset[str]:
    """The ``exe`` values of all process nouns that are paths and not patterns."""
    return frozenset(path for table in ir.get("process", {}).values() for path in table.get("exe", ())
                     if not _WILDCARDS.intersection(path))


def followed(paths: Iterable[str]) -> dict[str, str]:
    """The real path of each path that leads elsewhere through links that only root can change."""
    return {path: real for path in sorted(paths) for real, unsafe in (lead(path),) if real and not unsafe}


def lead(path: str) -> tuple[str, str]:
    """The file that the path leads to, and who else could change that, in words; both empty where there is no link to
    a file."""
    try:
        way = read_way(path)
        real = os.path.realpath(path)
        is_file = stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return "", ""
    if real == path or not is_file:
        return "", ""
    return real, unsafe_part(way)


def unsafe_part(way: Sequence[Part]) -> str:
    """The first component that somebody other than root could change, in words, or nothing."""
    for part in way:
        if part.uid != 0:
            return f"{part.path} belongs to uid {part.uid}"
        if not stat.S_ISLNK(part.mode) and part.mode & 0o022:
            return f"{part.path} is writable by others than root"
    return ""

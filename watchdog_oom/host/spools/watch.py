"""Owns the wake-ups from spools: a watch on each spool's own directory, kept on what stands there now.

An event only says which spool to look at again; its name and path are never used, so nothing in it can mislead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from watchdog_oom.core.model import EntryId
from watchdog_oom.host.spools.inotify import Inotify


class SpoolWatch:
    """Watches spools by name; ``paths`` maps a spool's name to its directory. Raises OSError where the kernel has no
    inotify instance left: then scans by the clock must do.

    ``drain`` is called when ``fileno`` is readable and once in a while: it also takes up again a directory that was
    deleted, moved or made anew, which sends no event when a directory above it was renamed. ``before`` is told the name
    of each spool whose path is about to be touched, and answers whether it may be.
    """

    def __init__(self, paths: Mapping[str, str], before: Callable[[str], bool] = lambda _: True) -> None:
        self._paths = dict(paths)
        self._may_touch = before
        self._inotify = Inotify()
        self._watched: dict[str, tuple[int, EntryId]] = {}
        self._renew()

    def fileno(self) -> int:
        return self._inotify.fileno()

    def drain(self) -> frozenset[str]:
        """The names of the spools in which something came, went or was renamed since the last call. Never blocks."""
        told = self._inotify.read()
        dirty = {name for name, (watch, _) in self._watched.items() if watch in told.touched}
        if told.overflowed:
            dirty.update(self._paths)
        for name in [name for name, (watch, _) in self._watched.items() if watch in told.ended]:
            self._forget(name)
        return frozenset(dirty | self._renew())

    def close(self) -> None:
        self._inotify.close()

    def _renew(self) -> set[str]:
        """Watch what is not watched, or is another directory by now; answers with the names that changed."""
        changed = set()
        for name, path in self._paths.items():
            if not self._may_touch(name):
                continue
            identity = _identity(path)
            if name in self._watched and self._watched[name][1] != identity:
                self._forget(name)
                changed.add(name)
            if identity is None or name in self._watched:
                continue
            watch = self._inotify.watch_directory(path)
            if watch is not None and _identity(path) == identity:
                self._watched[name] = (watch, identity)
                changed.add(name)
        return changed

    def _forget(self, name: str) -> None:
        watch, _ = self._watched.pop(name)
        if all(watch != other for other, _ in self._watched.values()):
            self._inotify.forget(watch)


def _identity(path: str) -> EntryId | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return EntryId(found.st_dev, found.st_ino)

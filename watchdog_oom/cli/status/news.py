"""Wakes up when the daemon replaces its status file: by pyinotify if that works, else by the clock."""

from __future__ import annotations

import os
import time
import warnings
from types import ModuleType
from typing import Any

LONGEST_SECONDS = 5.0  # ages on the page keep growing, and a killed daemon causes no event
BLIND_SECONDS = 1.0


class StatusNews:
    """Watches the daemon's runtime directory, which may be removed and created again while the daemon restarts; or
    another one of its directories, in which files may also be ``written``."""

    def __init__(self, runtime: str, *, written: bool = False) -> None:
        self._runtime = runtime
        self._written = written
        self._pyinotify = _pyinotify()
        self._notifier: Any = None
        self._watched: tuple[int, int] | None = None
        self._listen()

    @property
    def listening(self) -> bool:
        return self._notifier is not None

    def fileno(self) -> int | None:
        """What becomes readable when the file was replaced; ``None`` if only the clock wakes."""
        self._listen()
        return None if self._notifier is None else int(self._notifier._fd)

    def wait(self, longest_seconds: float = LONGEST_SECONDS) -> bool:
        """Sleep until the status file was replaced or removed since the last call, at most that long (a second if the
        directory cannot be watched); returns whether it was."""
        self._listen()
        if self._notifier is None:
            time.sleep(min(longest_seconds, BLIND_SECONDS))
            return False
        if not self._notifier.check_events(timeout=int(longest_seconds * 1000)):
            return False
        try:
            self._notifier.read_events()  # only after check_events: it would block if nothing is queued
            self._notifier.process_events()
        except UnicodeDecodeError:
            return True  # another file's undecodable name: the events are lost, but that there were some is enough
        return True

    def close(self) -> None:
        if self._notifier is not None:
            self._notifier.stop()
        self._notifier = self._watched = None

    def _listen(self) -> None:
        """Watch the directory that is at the path now, if it is not the one watched before."""
        try:
            found = os.stat(self._runtime)
        except OSError:
            self.close()
            return
        if self._pyinotify is None or self._watched == (found.st_dev, found.st_ino):
            return
        self.close()
        self._notifier = _notifier(self._pyinotify, self._runtime, written=self._written)
        self._watched = (found.st_dev, found.st_ino)


def _pyinotify() -> ModuleType | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it imports asyncore, which was deprecated and then removed
            import pyinotify
    except ImportError:
        return None
    pyinotify.log.disabled = True  # it writes each failure to stderr, in the middle of the page
    module: ModuleType = pyinotify
    return module


def _notifier(pyinotify: ModuleType, directory: str, *, written: bool) -> Any:
    """A notifier for files renamed into the directory or removed; ``None`` if the kernel's limits are reached."""
    mask = pyinotify.IN_MOVED_TO | pyinotify.IN_DELETE | pyinotify.IN_DELETE_SELF | pyinotify.IN_ONLYDIR
    if written:
        mask |= pyinotify.IN_MODIFY | pyinotify.IN_CREATE
    try:
        manager = pyinotify.WatchManager()
    except (OSError, pyinotify.PyinotifyError):
        return None
    notifier = pyinotify.Notifier(manager, default_proc_fun=pyinotify.ProcessEvent())
    if manager.add_watch(directory, mask).get(directory, -1) < 0:
        notifier.stop()
        return None
    return notifier

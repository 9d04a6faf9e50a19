"""Owns the wake-ups from spools: pyinotify on each spool's own directory, hardened against what it gets wrong.

An event only says which spool to look at again; its name and path are never used. The module is worth about 2.7 MB of
memory, so it is imported only where a policy names a spool.
"""

from __future__ import annotations

import ctypes
import os
import struct
import warnings
from collections.abc import Mapping

from watchdog_oom.model import EntryId

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pyinotify imports asyncore, which was deprecated and then removed
    import pyinotify

_EVENT = struct.Struct("iIII")  # wd, mask, cookie, length of the name that follows: inotify(7)
_READ_BYTES = 65536
_MOST_READS = 16  # a flood is finished at the next call; the kernel's queue holds 16,384 events
_ENDED = pyinotify.IN_DELETE_SELF | pyinotify.IN_MOVE_SELF | pyinotify.IN_UNMOUNT | pyinotify.IN_IGNORED
_MASK = (pyinotify.IN_CREATE | pyinotify.IN_DELETE | pyinotify.IN_MOVED_FROM | pyinotify.IN_MOVED_TO
         | pyinotify.IN_DELETE_SELF | pyinotify.IN_MOVE_SELF | pyinotify.IN_ONLYDIR | pyinotify.IN_DONT_FOLLOW)

# pyinotify installs a handler that writes to stderr, and tells of every overflow and failed watch there.
pyinotify.log.handlers.clear()
pyinotify.log.disabled = True


class _Calls(pyinotify.INotifyWrapper):  # type: ignore[misc]
    """The three system calls, by the library that is loaded already: pyinotify's own way runs ldconfig to find it,
    opens a blocking descriptor that children inherit, and cannot encode every path."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)

    def _get_errno(self) -> int:
        return ctypes.get_errno()

    def _inotify_init(self) -> int:
        return int(self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))

    def _inotify_add_watch(self, fd: int, path: str, mask: int) -> int:
        return int(self._libc.inotify_add_watch(fd, os.fsencode(path), ctypes.c_uint32(mask)))

    def _inotify_rm_watch(self, fd: int, watch: int) -> int:
        return int(self._libc.inotify_rm_watch(fd, watch))


class _Manager(pyinotify.WatchManager):  # type: ignore[misc]
    """A WatchManager on a descriptor that is closed on exec and never blocks. Raises OSError without inotify."""

    def __init__(self) -> None:
        self._ignore_events = False
        self._exclude_filter = _exclude_nothing
        self._wmd: dict[int, object] = {}
        self._inotify_wrapper = _Calls()
        self._fd = self._inotify_wrapper.inotify_init()
        if self._fd < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    def watch(self, path: str) -> int | None:
        """The watch's descriptor, or ``None`` when the kernel refuses (pyinotify hides that in a negative number)."""
        number = self.add_watch(path, _MASK).get(path, -1)
        return number if number >= 0 else None


class _Notifier(pyinotify.Notifier):  # type: ignore[misc]
    """Folds what is queued into three answers instead of an object an event: a name that is not UTF-8 cannot lose a
    batch, a storm costs no memory, and an overflow is told."""

    def __init__(self, manager: _Manager) -> None:
        super().__init__(manager, default_proc_fun=_do_nothing)
        self.touched: set[int] = set()
        self.ended: set[int] = set()
        self.overflowed = False

    def read_events(self) -> None:
        for _ in range(_MOST_READS):
            try:
                batch = os.read(self._fd, _READ_BYTES)
            except BlockingIOError:
                return
            at = 0
            while at + _EVENT.size <= len(batch):
                watch, mask, _cookie, name_bytes = _EVENT.unpack_from(batch, at)
                at += _EVENT.size + name_bytes
                if mask & pyinotify.IN_Q_OVERFLOW:
                    self.overflowed = True
                    continue
                self.touched.add(watch)
                if mask & _ENDED:
                    self.ended.add(watch)


class SpoolWatch:
    """Watches spools by name; ``paths`` maps a spool's name to its directory. Raises OSError where the kernel has no
    inotify instance left: then scanning by time must do.

    ``drain`` is called when ``fileno`` is readable and once in a while: it also takes up again a directory that was
    deleted, moved or made anew, which sends no event when a directory above it was renamed.
    """

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._paths = dict(paths)
        self._manager = _Manager()
        self._notifier = _Notifier(self._manager)
        self._watched: dict[str, tuple[int, EntryId]] = {}
        self._renew()

    def fileno(self) -> int:
        return int(self._manager.get_fd())

    @property
    def unwatched(self) -> frozenset[str]:
        """Spools whose directory is missing or cannot be watched now; every ``drain`` tries again."""
        return frozenset(self._paths) - frozenset(self._watched)

    def drain(self) -> frozenset[str]:
        """The names of the spools in which something came, went or was renamed since the last call. Never blocks."""
        notifier = self._notifier
        notifier.read_events()
        dirty = {name for name, (watch, _) in self._watched.items() if watch in notifier.touched}
        if notifier.overflowed:
            dirty.update(self._paths)
        for name in [name for name, (watch, _) in self._watched.items() if watch in notifier.ended]:
            self._forget(name)
        notifier.touched.clear()
        notifier.ended.clear()
        notifier.overflowed = False
        return frozenset(dirty | self._renew())

    def close(self) -> None:
        self._notifier.stop()

    def _renew(self) -> set[str]:
        """Watch what is not watched, or is another directory by now; answers with the names that changed."""
        changed = set()
        for name, path in self._paths.items():
            identity = _identity(path)
            if name in self._watched and self._watched[name][1] != identity:
                self._forget(name)
                changed.add(name)
            if identity is None or name in self._watched:
                continue
            watch = self._manager.watch(path)
            if watch is not None and _identity(path) == identity:
                self._watched[name] = (watch, identity)
                changed.add(name)
        return changed

    def _forget(self, name: str) -> None:
        watch, _ = self._watched.pop(name)
        if all(watch != other for other, _ in self._watched.values()):
            self._manager.rm_watch(watch)
        self._manager.watches.pop(watch, None)


def _identity(path: str) -> EntryId | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return EntryId(found.st_dev, found.st_ino)


def _exclude_nothing(_path: str) -> bool:
    return False


def _do_nothing(_event: object) -> None:
    return None

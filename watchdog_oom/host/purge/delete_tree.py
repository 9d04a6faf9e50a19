"""Owns the deletion of one directory tree: by descriptors, depth first, following nothing, crossing nothing (Law 7)."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from watchdog_oom.host.spools.descent import Descent
from watchdog_oom.lean_dataclasses import dataclass, field

MOST_NAMED = 10
_MOST_PASSES = 3
_BETWEEN_SIGNS = 255  # files; a power of two less one


@dataclass(slots=True)
class Removal:
    """What was deleted so far, and what could not be: the first few with their reasons, all of them counted.
    ``alive`` is called as it goes on."""

    files: int = 0
    directories: int = 0
    left_count: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)
    alive: Callable[[], None] = lambda: None

    def note(self, path: str, why: str) -> None:
        self.left_count += 1
        if len(self.left) < MOST_NAMED:
            self.left.append((path, why))


@dataclass(slots=True)
class _Level:
    """One directory being emptied: the directories in it that are still to be done."""

    below: list[str]
    passes: int = 1
    failures: int = 0


def remove(base_fd: int, name: str, owner_uid: int, removal: Removal) -> bool:
    """Delete the file or directory tree ``name`` below ``base_fd``; whether all of it is gone. Never raises OSError.

    Only directories of ``owner_uid`` are entered. One of ours without write permission is given it: it is to be deleted
    anyway. What cannot be deleted is noted, and the rest goes on.
    """
    try:
        found = os.stat(name, dir_fd=base_fd, follow_symlinks=False)
    except FileNotFoundError:
        return True
    except OSError as error:
        removal.note(name, error.strerror or str(error))
        return False
    if not stat.S_ISDIR(found.st_mode):
        return remove_file(base_fd, name, removal)
    return _Remover(Descent(base_fd), owner_uid, removal).remove_tree(name)


def remove_file(base_fd: int, name: str, removal: Removal) -> bool:
    """Delete what is known to be no directory (unlink(2) refuses one); whether it is gone. Never raises OSError."""
    try:
        os.unlink(name, dir_fd=base_fd)
    except FileNotFoundError:
        return True
    except OSError as error:
        removal.note(name, error.strerror or str(error))
        return False
    removal.files += 1
    return True


class _Remover:
    def __init__(self, descent: Descent, owner_uid: int, removal: Removal) -> None:
        self._descent = descent
        self._owner_uid = owner_uid
        self._removal = removal
        self._levels: list[_Level] = []

    def remove_tree(self, name: str) -> bool:
        top = _Level([])  # the directory that holds the tree: never emptied itself
        self._levels = [top]
        try:
            self._open(name)
            while len(self._levels) > 1:
                if self._levels[-1].below:
                    self._open(self._levels[-1].below.pop())
                else:
                    self._close()
        except OSError as error:  # the way back up is gone: somebody moved the tree we are in
            top.failures += 1
            self._removal.note(self._path(name), error.strerror or str(error))
        finally:
            self._descent.close()
        return top.failures == 0

    def _open(self, name: str, passes: int = 1) -> None:
        """Enter a directory and delete everything in it but directories."""
        try:
            found = self._descent.enter(name)
        except FileNotFoundError:
            return
        except OSError as error:
            self._fail(name, error)
            return
        level = _Level([], passes)
        self._levels.append(level)
        if found.st_uid != self._owner_uid:
            level.failures += 1
            self._removal.note(self._descent.path(), f"it belongs to user {found.st_uid}")
            return
        self._unlink_files(level)

    def _close(self) -> None:
        """Leave an emptied directory and remove it; whatever appeared in it meanwhile gets another pass."""
        level = self._levels.pop()
        name = self._descent.leave()
        if level.failures:
            self._levels[-1].failures += 1
            return
        try:
            self._permitted(lambda: os.rmdir(name, dir_fd=self._descent.fd))
            self._removal.directories += 1
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST) and level.passes < _MOST_PASSES:
                self._open(name, level.passes + 1)
            else:
                self._fail(name, error)

    def _unlink_files(self, level: _Level) -> None:
        fd, unlink, files = self._descent.fd, os.unlink, 0
        self._removal.alive()
        with os.scandir(fd) as listing:
            for found in listing:
                if files & _BETWEEN_SIGNS == _BETWEEN_SIGNS:
                    self._removal.alive()
                if found.is_dir(follow_symlinks=False):
                    level.below.append(found.name)
                    continue
                try:
                    unlink(found.name, dir_fd=fd)
                    files += 1
                except FileNotFoundError:
                    continue
                except OSError as error:
                    self._unlink_anyway(found.name, error)
        self._removal.files += files

    def _unlink_anyway(self, name: str, error: OSError) -> None:
        try:
            if error.errno != errno.EACCES:
                raise error
            self._permitted(lambda: os.unlink(name, dir_fd=self._descent.fd))
            self._removal.files += 1
        except FileNotFoundError:
            return
        except OSError as final:
            self._fail(name, final)

    def _permitted(self, effect: Callable[[], None]) -> None:
        """Try; where the directory denies its owner to write, allow it and try once more."""
        try:
            effect()
        except PermissionError as error:
            if error.errno != errno.EACCES or len(self._levels) < 2:
                raise
            os.fchmod(self._descent.fd, 0o700)
            effect()

    def _fail(self, name: str, error: OSError) -> None:
        self._levels[-1].failures += 1
        self._removal.note(self._path(name), error.strerror or str(error))

    def _path(self, name: str) -> str:
        above = self._descent.path()
        return f"{above}/{name}" if above else name

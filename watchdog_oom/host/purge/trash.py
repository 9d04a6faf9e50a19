"""Owns the directory into which stale entries are renamed before they are deleted, and the way back out of it."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import suppress

from watchdog_oom.host import syscalls
from watchdog_oom.host.spools.names import trash_prefix_of
from watchdog_oom.host.spools.path_safety import SpoolRefusedError, open_spool
from watchdog_oom.lean_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trash:
    """An open, locked trash directory. The lock tells a purge under way from the leftovers of one that was killed."""

    fd: int
    parent_fd: int
    name: str

    def close(self) -> None:
        """Remove the directory if it is empty. What could not be deleted stays in it, for the next purge."""
        with suppress(OSError):
            os.rmdir(self.name, dir_fd=self.parent_fd)
        os.close(self.fd)


def create_trash(parent_fd: int, spool_inode: int) -> Trash:
    """Make a trash directory that only its owner can enter. Raises OSError, ENOSPC where no inode is left."""
    name = trash_prefix_of(spool_inode) + os.urandom(8).hex()
    os.mkdir(name, 0o700, dir_fd=parent_fd)
    try:
        return _open_locked(parent_fd, name, os.geteuid())
    except OSError:
        with suppress(OSError):
            os.rmdir(name, dir_fd=parent_fd)
        raise


def leftovers(parent_fd: int, spool_inode: int) -> Iterator[Trash]:
    """Trash directories of this spool that a purge left behind: ours by name, owner and mode, and locked by nobody."""
    prefix = trash_prefix_of(spool_inode)
    with os.scandir(parent_fd) as listing:
        names = [found.name for found in listing if found.name.startswith(prefix)]
    for name in names:
        with suppress(OSError):
            yield _open_locked(parent_fd, name, os.geteuid())


def trash_names(path: str, most_names: int = 20_000) -> tuple[str, ...] | None:
    """The trash directories of the spool at that path, in it and beside it, by their names alone, which anybody could
    have made: a purge looks closer. ``None`` where there are too many names to look through in passing."""
    try:
        spool_fd = open_spool(path)
    except SpoolRefusedError:
        return ()
    try:
        prefix = trash_prefix_of(os.fstat(spool_fd).st_ino)
        found: list[str] = []
        for directory in (spool_fd, os.path.dirname(path)):
            with suppress(PermissionError), os.scandir(directory) as listing:
                for count, entry in enumerate(listing):
                    if count >= most_names:
                        return None
                    if entry.name.startswith(prefix):
                        found.append(entry.name)
    except OSError:
        return None
    finally:
        os.close(spool_fd)
    return tuple(found)


def take(name: str, spool_fd: int, trash: Trash) -> os.stat_result:
    """Rename an entry into the trash; answers with what was really renamed. Raises OSError.

    A plain rename will do: the trash is new and nobody else's, so there is nothing to replace.
    """
    os.rename(name, name, src_dir_fd=spool_fd, dst_dir_fd=trash.fd)
    return os.stat(name, dir_fd=trash.fd, follow_symlinks=False)


def put_back(name: str, spool_fd: int, trash: Trash) -> bool:
    """Rename an entry back into the spool, replacing nothing; ``False`` when its name is taken or the way is barred.
    It stays in the trash then, and the next purge judges it anew."""
    try:
        syscalls.rename_without_replacing(name, name, source_dir_fd=trash.fd, target_dir_fd=spool_fd)
    except OSError as error:
        return error.errno == errno.EINVAL and _put_back_by_link(name, spool_fd, trash)
    return True


def _put_back_by_link(name: str, spool_fd: int, trash: Trash) -> bool:
    """For filesystems without RENAME_NOREPLACE: link(2) replaces nothing, and a rename of a directory can replace no
    more than an empty directory (rename(2))."""
    try:
        if stat.S_ISDIR(os.stat(name, dir_fd=trash.fd, follow_symlinks=False).st_mode):
            os.rename(name, name, src_dir_fd=trash.fd, dst_dir_fd=spool_fd)
        else:
            os.link(name, name, src_dir_fd=trash.fd, dst_dir_fd=spool_fd, follow_symlinks=False)
            os.unlink(name, dir_fd=trash.fd)
    except OSError:
        return False
    return True


def _open_locked(parent_fd: int, name: str, uid: int) -> Trash:
    fd = syscalls.open_directory(name, parent_fd)
    try:
        found = os.fstat(fd)
        if found.st_uid != uid or stat.S_IMODE(found.st_mode) & 0o077:
            _refuse(name)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return Trash(fd, parent_fd, name)


def _refuse(name: str) -> None:
    raise PermissionError(errno.EPERM, "it is not our trash directory", name)

"""Owns the directory into which stale entries are renamed before they are deleted, and the way back out of it."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress

from watchdog_oom.host import syscalls
from watchdog_oom.host.purge.messages import Remaining
from watchdog_oom.host.spools.names import trash_prefix_of
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
    for name in trash_names(parent_fd, spool_inode):
        with suppress(OSError):
            yield _open_locked(parent_fd, name, os.geteuid())


def trash_names(directory_fd: int, spool_inode: int) -> tuple[str, ...]:
    """The names of one spool's trash directories in a directory: the spool itself, or the one it stands in. Raises
    OSError."""
    prefix = trash_prefix_of(spool_inode)
    with os.scandir(directory_fd) as listing:
        return tuple(found.name for found in listing if found.name.startswith(prefix))


def remaining(directory_fds: Iterable[int], spool_inode: int, owner_uid: int) -> Remaining:
    """How much of the spool's owner stands in trash directories, under a purge or left behind by one."""
    directories = entries = 0
    for fd in directory_fds:
        with suppress(OSError):
            for name in trash_names(fd, spool_inode):
                held = _holding(fd, name, owner_uid)
                directories += held > 0
                entries += held
    return Remaining(directories, entries)


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
        if not _is_ours(os.fstat(fd), uid):
            _refuse(name)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return Trash(fd, parent_fd, name)


def _holding(directory_fd: int, name: str, uid: int) -> int:
    """How many entries a trash directory holds: 0 for what cannot be opened as one, or is none of ours."""
    with suppress(OSError):
        fd = syscalls.open_directory(name, directory_fd)
        try:
            return len(os.listdir(fd)) if _is_ours(os.fstat(fd), uid) else 0
        finally:
            os.close(fd)
    return 0


def _is_ours(found: os.stat_result, uid: int) -> bool:
    return found.st_uid == uid and not stat.S_IMODE(found.st_mode) & 0o077


def _refuse(name: str) -> None:
    raise PermissionError(errno.EPERM, "it is not our trash directory", name)

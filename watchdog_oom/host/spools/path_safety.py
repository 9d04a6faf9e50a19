"""Owns the judgement whether a directory may be a spool at all: one function for check, sensing and purge (Law 7)."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Sequence

from watchdog_oom.formatting import printable
from watchdog_oom.host import syscalls
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.paths import LOG, RUNTIME, STATE

_SYSTEM_TREES = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sbin", "/sys",
                 "/usr", "/run/systemd", "/var/lib/dpkg", "/var/lib/rpm", "/var/lib/systemd", STATE, LOG, RUNTIME)
_SYSTEM_TREE_EXCEPTIONS = ("/dev/shm", "/usr/local")  # noqa: S108 - a prefix that is compared, not a file
_SYSTEM_DIRECTORIES = frozenset(
    ("/dev/shm", "/run/lock", "/run/user", "/usr/local",  # noqa: S108
     *(f"/usr/local/{name}" for name in ("bin", "etc", "games", "include", "lib", "libexec", "man", "sbin", "share",
                                         "src")),
     *(f"/var/{name}" for name in ("backups", "cache", "lib", "local", "lock", "log", "mail", "opt", "run", "spool",
                                   "www")),
     "/var/lib/mysql", "/var/lib/postgresql", "/var/spool/cron", "/var/spool/mail"))


class SpoolRefusedError(Exception):
    """The directory may not be used as a spool, or cannot be opened as one; the text says why."""


@dataclass(frozen=True, slots=True)
class PathPart:
    """One directory on the way to a spool, as lstat(2) sees it; ``mode`` is 0 where there is nothing."""

    path: str
    mode: int
    uid: int
    device: int = 0
    inode: int = 0


def open_spool(path: str) -> int:
    """Judge the path and open the very directory that was judged; raises SpoolRefusedError.

    No component is followed if it is a symlink by now; mounts on the way to the spool are fine.
    """
    parts = read_parts(path)
    problem = refusal(path, parts)
    if problem is not None:
        raise SpoolRefusedError(problem)
    try:
        fd = open_without_symlinks(path)
    except OSError as error:
        raise SpoolRefusedError(f"{printable(path)}: {error.strerror}") from error
    found = os.fstat(fd)
    if (found.st_dev, found.st_ino, found.st_uid) != (parts[-1].device, parts[-1].inode, parts[-1].uid):
        os.close(fd)
        raise SpoolRefusedError(f"{printable(path)} was replaced while it was looked at")
    return fd


def open_without_symlinks(path: str) -> int:
    """Open the directory of an absolute path, none of whose components may be a symlink. Raises OSError."""
    root_fd = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return syscalls.openat2(path.strip("/"), syscalls.OPEN_DIRECTORY, dir_fd=root_fd,
                                resolve=syscalls.RESOLVE_PLAIN)
    finally:
        os.close(root_fd)


def read_parts(path: str) -> tuple[PathPart, ...]:
    """Every directory from ``/`` to the path, up to the first that is missing or cannot be looked at."""
    parts = []
    names = [name for name in path.split("/") if name]
    for depth in range(len(names) + 1):
        here = "/" + "/".join(names[:depth])
        try:
            found = os.lstat(here)
        except (OSError, ValueError):
            parts.append(PathPart(here, 0, 0))
            break
        parts.append(PathPart(here, found.st_mode, found.st_uid, found.st_dev, found.st_ino))
        if not stat.S_ISDIR(found.st_mode):
            break
    return tuple(parts)


def refusal(path: str, parts: Sequence[PathPart]) -> str | None:
    """Judge a path by its text and by the directories on the way to it; pure."""
    return _refused_by_name(path) or _refused_by_kind(parts) or _refused_by_owner(parts)


def _refused_by_name(path: str) -> str | None:
    if not path.startswith("/") or path.startswith("//") or os.path.normpath(path) != path or "\0" in path:
        return f"{printable(path)} is not an absolute path in its plain form (no //, no . or .., no / at the end)"
    names = path.split("/")[1:]
    if len(names) < 2:
        return f"{printable(path)} is too near to the root of the system to be a spool"
    if path in _SYSTEM_DIRECTORIES or (names[0] == "home" and len(names) == 2):
        return f"{printable(path)} is a directory of the system; a spool is a directory below it"
    excepted = any(path.startswith(tree + "/") for tree in _SYSTEM_TREE_EXCEPTIONS)
    for tree in _SYSTEM_TREES:
        if (path == tree or path.startswith(tree + "/")) and not excepted:
            return f"{printable(path)} lies in {tree}, which belongs to the system"
    return None


def _refused_by_kind(parts: Sequence[PathPart]) -> str | None:
    for part in parts:
        if part.mode == 0:
            return f"{printable(part.path)} does not exist or cannot be reached"
        if stat.S_ISLNK(part.mode):
            return f"{printable(part.path)} is a symbolic link; name the directory it points to"
        if not stat.S_ISDIR(part.mode):
            return f"{printable(part.path)} is not a directory"
    return None


def _refused_by_owner(parts: Sequence[PathPart]) -> str | None:
    """Whoever owns a directory decides what stands below it: a user's directory must not lead to another's, as
    systemd-tmpfiles sees it (tmpfiles.d(5), "unsafe path transition")."""
    for parent, child in itertools.pairwise(parts):
        if parent.uid not in (0, child.uid):
            return (f"{printable(child.path)} belongs to user {child.uid}, but user {parent.uid}, who owns "
                    f"{printable(parent.path)}, could put another directory in its place")
        if parent.mode & stat.S_IWOTH and not parent.mode & stat.S_ISVTX:
            return (f"everybody may write to {printable(parent.path)}, so anybody could put another directory in the "
                    f"place of {printable(child.path)}")
    return None

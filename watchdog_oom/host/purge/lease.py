"""Owns the last resort where it could not be told who uses what: the kernel, asked file by file.

It grants a write lease on a file only while nobody else has it open or mapped, in whatever namespace, whoever he is
(fcntl(2), F_SETLEASE). That costs two system calls a file, so it is asked only when processes could not be looked into.
"""

from __future__ import annotations

import fcntl
import os
import stat

from watchdog_oom.host.spools.descent import Descent

_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC


def free(base_fd: int, name: str) -> bool:
    """Whether the kernel says that nobody uses any file of this entry. What cannot be opened, is of another owner, or
    lies on a filesystem without leases cannot be told, and counts as used; of directories nothing is known."""
    descent = Descent(base_fd)
    try:
        if not stat.S_ISDIR(os.stat(name, dir_fd=base_fd, follow_symlinks=False).st_mode):
            return _free_file(base_fd, name)
        return _free_tree(descent, name)
    except OSError:
        return False
    finally:
        descent.close()


def _free_tree(descent: Descent, name: str) -> bool:
    pending = [[name]]
    while pending:
        if not pending[-1]:
            pending.pop()
            if pending:
                descent.leave()
            continue
        descent.enter(pending[-1].pop())
        below: list[str] = []
        pending.append(below)
        with os.scandir(descent.fd) as listing:
            for found in listing:
                if found.is_dir(follow_symlinks=False):
                    below.append(found.name)
                elif not found.is_symlink() and not _free_file(descent.fd, found.name):
                    return False
    return True


def _free_file(dir_fd: int, name: str) -> bool:
    """No open waits here: a lease that somebody else holds, a pipe and a socket are errors (O_NONBLOCK)."""
    fd = os.open(name, _OPEN, dir_fd=dir_fd)
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    finally:
        os.close(fd)
    return True

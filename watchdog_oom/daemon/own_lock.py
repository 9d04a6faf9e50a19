"""The lock of a runtime directory: two daemons never share one, and nobody else can hold it."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from contextlib import suppress

from watchdog_oom.errors import UsageError

LOCK_TRIES = 5
LOCK_PAUSE_SECONDS = 0.02
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class OwnLock:
    """Held while the daemon runs; the kernel releases it however the daemon ends. The file holds the daemon's pid, if
    there was room for it.

    flock(2) needs no permission but to open the file, so it has mode 0600. One that others may open, as earlier
    releases made it, is replaced: somebody may have it open already, and only a daemon that holds it is respected.
    """

    def __init__(self, runtime: str) -> None:
        self._path = f"{runtime}/lock"
        try:
            self._fd = os.open(self._path, _FLAGS, 0o600)
        except PermissionError:
            raise
        except OSError as error:
            raise UsageError(f"{self._path}: the lock cannot be made: {error.strerror}") from None
        if _is_open_to_others(self._fd):
            self._replace()
        elif not self._taken():
            self._refuse()
        with suppress(OSError):  # a full file system: the lock itself needs no room
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._fd)

    def _replace(self) -> None:
        if not _try_lock(self._fd) and _held_by_ours(os.fstat(self._fd).st_ino):
            self._refuse()
        spare = f"{self._path}.new"
        try:
            with suppress(FileNotFoundError):
                os.unlink(spare)
            fd = os.open(spare, _FLAGS | os.O_EXCL, 0o600)
            _try_lock(fd)
            os.rename(spare, self._path)
        except OSError as error:
            raise UsageError(f"{self._path}: others may hold it, and it cannot be replaced: {error.strerror}") from None
        os.close(self._fd)
        self._fd = fd

    def _refuse(self) -> None:
        holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(self._fd)
        raise UsageError(f"another watchdog-oomd (pid {holder}) runs already; its lock is {self._path}")

    def _taken(self) -> bool:
        """Tried a few times: root's ``status`` holds the lock for a moment to check whether a daemon does."""
        for _ in range(LOCK_TRIES):
            if _try_lock(self._fd):
                return True
            time.sleep(LOCK_PAUSE_SECONDS)
        return False


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_open_to_others(fd: int) -> bool:
    found = os.fstat(fd)
    return bool(stat.S_IMODE(found.st_mode) & 0o077) or found.st_uid not in (0, os.geteuid())


def _held_by_ours(inode: int) -> bool:
    """Whether a process of root or of this user holds the lock, by /proc/locks; also if that cannot be told."""
    holders = []
    with suppress(OSError, ValueError), open("/proc/locks", encoding="utf-8") as locks:
        for line in locks:  # 1: FLOCK  ADVISORY  WRITE 4711 00:1a:567 0 EOF
            words = line.split()
            if len(words) > 5 and words[1] == "FLOCK" and words[5].rpartition(":")[2] == str(inode):
                holders.append(int(words[4]))
    for pid in holders:
        with suppress(FileNotFoundError):
            if os.stat(f"/proc/{pid}").st_uid in (0, os.geteuid()):
                return True
    return not holders

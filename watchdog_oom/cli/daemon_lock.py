"""Whether a daemon runs, by the lock in its runtime directory."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress

from watchdog_oom.paths import STATUS_NAME


def running_daemon(runtime: str) -> int | None:
    """The pid of the daemon that holds the lock in that directory; ``None`` if none does.

    Only the lock is proof: a pid file outlives its process. It is taken without waiting, and released immediately.
    Users who may not open it learn of its holder from /proc/locks.
    """
    try:
        fd = os.open(f"{runtime}/lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except PermissionError:
        return _holder_by_the_kernel(runtime)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with suppress(ValueError):
            return int(os.pread(fd, 32, 0))
        return 0
    finally:
        os.close(fd)
    return None


def _holder_by_the_kernel(runtime: str) -> int | None:
    """The pid in the status file, if that process belongs to the lock's owner and holds a lock by flock(2)."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        with open(f"{runtime}/{STATUS_NAME}", encoding="utf-8") as file:
            pid = int(json.load(file)["pid"])
        if os.stat(f"/proc/{pid}").st_uid != os.lstat(f"{runtime}/lock").st_uid:
            return None
        with open("/proc/locks", encoding="utf-8") as locks:
            held = [line.split()[4] for line in locks if " FLOCK " in line and " WRITE " in line and "->" not in line]
        return pid if str(pid) in held else None
    return None

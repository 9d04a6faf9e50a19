"""Whether a daemon runs, by the lock in its runtime directory."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress


def running_daemon(runtime: str) -> int | None:
    """The pid of the daemon that holds the lock in that directory; ``None`` if none does.

    Only the lock is proof: a pid file outlives its process. It is taken without waiting, and released immediately.
    """
    try:
        fd = os.open(f"{runtime}/lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
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

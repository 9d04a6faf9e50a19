"""The daemon's own protection: locked memory, oom_score_adj, single instance, missing capabilities (Law 11)."""

from __future__ import annotations

import fcntl
import gc
import os
import time
from contextlib import suppress

from watchdog_oom.errors import UsageError
from watchdog_oom.host.processes.oom_score_adj import set_own
from watchdog_oom.host.processes.procfs import read_file
from watchdog_oom.host.syscalls import lock_memory

OWN_OOM_SCORE_ADJ = -1000
LOCK_TRIES = 5
LOCK_PAUSE_SECONDS = 0.02
_CAPABILITIES = {  # capabilities(7): bit, name, what fails without it
    5: ("CAP_KILL", "processes of other users cannot be ended"),
    24: ("CAP_SYS_RESOURCE", "oom_score_adj cannot be lowered, and pressure triggers are coarser"),
    19: ("CAP_SYS_PTRACE", "executables and open files of other users' processes cannot be read"),
    1: ("CAP_DAC_OVERRIDE", "oom_score_adj of other users' processes cannot be written"),
    2: ("CAP_DAC_READ_SEARCH", "spools of other users may be closed to it"),
    7: ("CAP_SETUID", "spools cannot be purged as their owners"),
    14: ("CAP_IPC_LOCK", "its memory may be swapped out"),
    34: ("CAP_SYSLOG", "the kernel's log may be closed to it"),
}


def missing_capabilities(proc: str = "/proc") -> tuple[str, ...]:
    """What this process lacks capabilities for, in words; empty if it has all it may need."""
    status = read_file(f"{proc}/self/status", 8192) or b""
    for line in status.splitlines():
        if line.startswith(b"CapEff:"):
            effective = int(line.split()[1], 16)
            return tuple(f"{name}: {loss}" for bit, (name, loss) in _CAPABILITIES.items() if not effective >> bit & 1)
    return ()


def protect_itself(proc: str = "/proc") -> tuple[str, ...]:
    """Lock all memory and set oom_score_adj to -1000; returns what was not permitted, in words."""
    troubles: list[str] = []
    gc.collect()
    gc.freeze()
    if not lock_memory():
        troubles.append("memory could not be locked: the daemon may be slow when the host thrashes (CAP_IPC_LOCK)")
    adjusted = set_own(OWN_OOM_SCORE_ADJ, root=proc)
    if not adjusted.ok:
        troubles.append(f"the kernel may choose the daemon itself: oom_score_adj: {adjusted.words}")
    return tuple(troubles)


class OwnLock:
    """A lock held while the daemon runs, so that two never share a runtime directory. The kernel releases it however
    the daemon ends; the file holds the daemon's pid for ``status``."""

    def __init__(self, runtime: str) -> None:
        path = f"{runtime}/lock"
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        if not self._taken():
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise UsageError(f"another watchdog-oomd (pid {holder}) runs already; its lock is {path}")
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def _taken(self) -> bool:
        """Tried a few times: ``status`` holds the lock for a moment to check whether a daemon does."""
        for _ in range(LOCK_TRIES):
            with suppress(BlockingIOError):
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            time.sleep(LOCK_PAUSE_SECONDS)
        return False

    def release(self) -> None:
        os.close(self._fd)

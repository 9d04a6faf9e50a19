"""What is said when a log holds nothing, and when it holds less than the kernel counted."""

from __future__ import annotations

from collections.abc import Sequence

from watchdog_oom.formatting import count

LOOKED_FOR = ("the kernel's OOM reports from Linux 2.4 on (\"invoked oom-killer\", \"Out of memory\", "
              "\"Killed process\", \"VM: killing process\", \"oom-kill:constraint=…\", \"oom_reaper\", panics for lack "
              "of memory), and what systemd-oomd, earlyoom and nohang write when they act")


def nothing_found(names: Sequence[str]) -> str:
    """``kern.log: nothing found; looked for …``."""
    return f"{', '.join(names)}: nothing found; looked for {LOOKED_FOR}"


def missing_kills(counted: int | None, logged: int) -> str:
    """The kills that the kernel has counted since boot and the log does not tell; empty if there are none."""
    if counted is None or counted <= logged:
        return ""
    lost = counted - logged
    return (f"the kernel has counted {count(counted, 'kill')} since boot (oom_kill in /proc/vmstat), the log tells of "
            f"{logged}: {'one is' if lost == 1 else f'{lost} are'} not in it (overwritten in the kernel's buffer, "
            "dropped by rate limiting, or rotated away)")

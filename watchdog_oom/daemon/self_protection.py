"""The daemon's own protection: locked memory, oom_score_adj, missing capabilities (Law 11)."""

from __future__ import annotations

import gc

from watchdog_oom.host.processes.oom_score_adj import set_own
from watchdog_oom.host.processes.procfs import read_file
from watchdog_oom.host.syscalls import lock_memory

OWN_OOM_SCORE_ADJ = -1000
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

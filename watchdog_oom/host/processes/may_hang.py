"""What is read of a process through its memory, whose lock its user can hold for as long as he likes: children only.

``environ``, ``maps`` and ``smaps`` are of this kind too; ``stat``, ``status``, ``exe``, ``cgroup`` and ``oom_score``
are not (fs/proc/base.c, fs/proc/array.c, fs/proc/task_mmu.c of Linux).
"""

from __future__ import annotations

from watchdog_oom.host.processes.procfs import read_file, read_whole, shown_at, size_of, value_of

CMDLINE_BYTES = 128 * 1024


def read_cmdline(root: str, pid: int) -> str | None:
    """The arguments joined by spaces, at most 128 KiB; forgeable, and slow to read if it is swapped out."""
    content = read_whole(f"{shown_at(root, pid)}/cmdline", CMDLINE_BYTES)
    if content is None:
        return None
    return content.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "surrogateescape")


def parse_pss_bytes(smaps_rollup: bytes) -> int | None:
    """The share in resident memory: pages that are shared are divided by the number of those who share them (proc(5),
    since Linux 4.14)."""
    return size_of(value_of(smaps_rollup, b"Pss"))


def read_pss_bytes(root: str, pid: int) -> int | None:
    content = read_file(f"{shown_at(root, pid)}/smaps_rollup")
    return parse_pss_bytes(content) if content is not None else None

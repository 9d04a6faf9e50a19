"""What is read of a process through its memory, whose lock its user can hold for as long as he likes: children only.

``environ``, ``maps`` and ``smaps`` are of this kind too; ``stat``, ``status``, ``exe``, ``cgroup`` and ``oom_score``
are not (fs/proc/base.c, fs/proc/array.c, fs/proc/task_mmu.c of Linux).
"""

from __future__ import annotations

import os

from watchdog_oom.host.processes.procfs import GONE, read_file, shown_at, size_of, value_of

CMDLINE_BYTES = 128 * 1024
_PART_BYTES = 65536


def read_cmdline(root: str, pid: int) -> str | None:
    """The arguments joined by spaces, at most 128 KiB; forgeable, and slow to read if it is swapped out."""
    content = _read_long(f"{shown_at(root, pid)}/cmdline", CMDLINE_BYTES)
    if content is None:
        return None
    return content.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "surrogateescape")


def _read_long(path: str, most_bytes: int) -> bytes | None:
    """The first bytes of a file that the kernel may give in parts."""
    content = bytearray()
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while len(content) < most_bytes and (part := os.read(fd, min(_PART_BYTES, most_bytes - len(content)))):
                content += part
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno in GONE:
            return None
        raise
    return bytes(content)


def parse_pss_bytes(smaps_rollup: bytes) -> int | None:
    """The share in resident memory: pages that are shared are divided by the number of those who share them (proc(5),
    since Linux 4.14)."""
    return size_of(value_of(smaps_rollup, b"Pss"))


def read_pss_bytes(root: str, pid: int) -> int | None:
    content = read_file(f"{shown_at(root, pid)}/smaps_rollup")
    return parse_pss_bytes(content) if content is not None else None

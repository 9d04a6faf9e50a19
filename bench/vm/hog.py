"""Runs in the guest: a process that takes memory at a rate, or as fast as it can, and keeps it.

Argument: JSON with ``rate_mib`` a second (0: full speed), ``hold_mib``, at which it stops taking (0: never), and
``spare_mib`` of free swap, below which it stops and goes over what it holds again and again (0: never).
"""

from __future__ import annotations

import json
import mmap
import sys
import time

PAGE = mmap.PAGESIZE
MAP_NORESERVE = 0x4000  # asm-generic/mman.h; Python 3.11 has no name for it
CHUNK = 4 << 20
LEAD_SECONDS = 1.0
MOST_BYTES = 4 << 30


def main(rate_mib: float, hold_mib: int, spare_mib: int) -> None:
    """Run until killed."""
    size = hold_mib << 20 or MOST_BYTES
    space = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
    taken = lead(space, rate_mib) if rate_mib and not spare_mib else 0
    step = min(CHUNK, int(rate_mib * 2**20 / 100) // PAGE * PAGE) if rate_mib else CHUNK
    due = time.monotonic()
    while taken < size and (not spare_mib or meminfo_mib(b"SwapFree") > spare_mib):
        taken = touch(space, taken, min(step, size - taken))
        if rate_mib:
            due += step / 2**20 / rate_mib
            time.sleep(max(0.0, due - time.monotonic()))
    while True:
        if spare_mib:
            for start in range(0, taken, CHUNK):
                touch(space, start, min(CHUNK, taken - start))
        else:
            time.sleep(3600)


def lead(space: mmap.mmap, rate_mib: float) -> int:
    """All but the last second's memory at full speed, since it decides nothing; the bytes taken."""
    taken = 0
    while meminfo_mib(b"MemAvailable") + meminfo_mib(b"SwapFree") > rate_mib * LEAD_SECONDS + reserve_mib():
        taken = touch(space, taken, CHUNK)
    return taken


def reserve_mib() -> float:
    """About what is left where the thresholds are."""
    return 0.09 * (meminfo_mib(b"MemTotal") + meminfo_mib(b"SwapTotal"))


def touch(space: mmap.mmap, start: int, count: int) -> int:
    """Write to each page of a part; where the part ends."""
    space[start:start + count:PAGE] = b"x" * (count // PAGE)
    return start + count


def meminfo_mib(name: bytes) -> float:
    with open("/proc/meminfo", "rb") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name + b":"))


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))

"""Made-up events: a host of 1 GiB that is out of memory, and what differs from that."""

from __future__ import annotations

from typing import Any

from watchdog_oom.kernel_log.model import Event, FreeBlocks, Invoker, Kill, Stamp, Task, Zone

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
ANYWHERE = 0x140CCA  # GFP_HIGHUSER_MOVABLE of 5.x
KERNEL = 0xCC0
FILES = {"active_file": 0, "inactive_file": 0}


def zone(name: str = "Normal", free_kib: int = 3000, *, low_kib: int = 4000, size: int = GIB, node: int | None = 0,
         **more: Any) -> Zone:
    """One zone; its min is below its low mark by a fifth, its high mark above it."""
    return Zone(node, name, free_bytes=free_kib * KIB, min_bytes=low_kib * KIB * 4 // 5, low_bytes=low_kib * KIB,
                high_bytes=low_kib * KIB * 6 // 5, present_bytes=size, managed_bytes=size, **more)


def event(*, mask: int | None = ANYWHERE, order: int = 0, comm: str = "hog", zones: tuple[Zone, ...] | None = None,
          swap: tuple[int, int] | None = (0, GIB), anon: int = 900 * MIB, **more: Any) -> Event:
    """An event without a constraint. ``swap``: free and total."""
    facts: dict[str, Any] = {
        "time": None, "constraint": "none", "first_line": 1, "last_line": 9, "kernel": "6.1.0",
        "invoker": Invoker(comm, 7, order, mask), "zones": (zone(),) if zones is None else zones,
        "ram_bytes": GIB, "reserved_bytes": 0,
        "meminfo": {"free": 3000 * KIB, "active_anon": anon, "inactive_anon": GIB - anon - 40 * MIB, **FILES,
                    "slab_reclaimable": 10 * MIB, "slab_unreclaimable": 20 * MIB, "pagetables": 5 * MIB},
        "parts": frozenset({"invoker", "meminfo", "zones", "ram", "swap"})}
    if swap is not None:
        facts |= {"swap_free_bytes": swap[0], "swap_total_bytes": swap[1]}
    return Event(**(facts | more))


def task(pid: int, comm: str, rss_mib: int, **more: Any) -> Task:
    return Task(pid, comm, uid=more.pop("uid", 1000), tgid=pid, rss_bytes=rss_mib * MIB,
                **({"swap_bytes": 0, "oom_score_adj": 0, "pgtables_bytes": 0} | more))


def kill(pid: int, comm: str, anon_mib: int | None = None, **more: Any) -> Kill:
    return Kill(pid, comm, anon_rss_bytes=None if anon_mib is None else anon_mib * MIB, **more)


def at(seconds: float) -> Stamp:
    return Stamp(f"{seconds}", seconds, "unix")


def blocks(*counts: int, types: str = "") -> tuple[FreeBlocks, ...]:
    """A buddy list: so many of each order, from 0 on."""
    return tuple(FreeBlocks(order, count, 4096 << order, types) for order, count in enumerate(counts))

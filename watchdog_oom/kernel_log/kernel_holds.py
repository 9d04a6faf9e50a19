"""Memory that no process holds: the kernel's slabs and page tables, huge pages, and what no counter explains."""

from __future__ import annotations

from watchdog_oom.formatting import printable
from watchdog_oom.kernel_log.counted import Counted
from watchdog_oom.kernel_log.model import Event, Slab
from watchdog_oom.kernel_log.shortage import Short, Shortage
from watchdog_oom.kernel_log.zone_room import kilobytes, percent

_MUCH = 0.25        # of the memory in question: what is below that explains no shortage
_MUCH_SLAB = 0.5    # the same for slabs of which the kernel says that it can give them back
_UNEXPLAINED = 0.3  # per-CPU areas and modules, which no counter of a report has, and zswap's 20 % stay below that
_SLABS_SHOWN = 3


def holds(event: Event, counted: Counted, of_bytes: int) -> list[tuple[Shortage, float]]:
    """Who beside the processes holds a large share of ``of_bytes``, the largest first, with the share."""
    if not of_bytes:
        return []
    found = [*_kernel(event, counted, of_bytes), *_unexplained(counted), *_huge(event, counted)]
    return sorted(found, key=lambda item: -item[1])


def slabs_alone(event: Event) -> Shortage:
    """The kernel prints the list of its slabs only when they hold more than all pages of processes and files
    (``should_dump_unreclaim_slab``, mm/oom_kill.c)."""
    return Shortage(Short.KERNEL_MEMORY, f"the kernel lists its slabs, which it does when they hold more than all "
                                         f"processes and files: {slab_words(event.slabs)}")


def slab_words(slabs: tuple[Slab, ...]) -> str:
    """The largest: ``btrfs_extent_map 3,375,622 kB, kmalloc-2048 59,164 kB``."""
    largest = sorted(slabs, key=lambda slab: -slab.total_bytes)[:_SLABS_SHOWN]
    return ", ".join(f"{printable(slab.name)} {kilobytes(slab.total_bytes)}" for slab in largest if slab.total_bytes)


def _kernel(event: Event, counted: Counted, of_bytes: int) -> list[tuple[Shortage, float]]:
    held = counted.kernel_bytes
    share = held / of_bytes
    slabs_win = bool(event.slabs) and share >= _MUCH / 2
    if share < _MUCH and not slabs_win and counted.slab_bytes < _MUCH_SLAB * of_bytes:
        return []
    share = max(share, (counted.slab_bytes + counted.other_kernel_bytes) / of_bytes if share < _MUCH else share)
    parts = [f"slab {kilobytes(counted.slab_bytes)}"]
    if counted.slab_unreclaimable_bytes != counted.slab_bytes:
        parts.append(f"of it {kilobytes(counted.slab_unreclaimable_bytes)} that cannot be given back")
    parts += [f"{name.replace('_', ' ')} {kilobytes(event.meminfo[key])}"
              for key, name in (("pagetables", "page tables"), ("kernel_stack", "kernel stacks"))
              if event.meminfo.get(key)]
    largest = slab_words(event.slabs)
    told = f"the kernel itself holds {percent(share)} of {kilobytes(of_bytes)}: {', '.join(parts)}"
    told += f"; the largest slabs: {largest}" if largest else ""
    return [(Shortage(Short.KERNEL_MEMORY, told), min(share, 1.0))]


def _unexplained(counted: Counted) -> list[tuple[Shortage, float]]:
    held = counted.unexplained_bytes
    share = counted.share(held)
    if share < _UNEXPLAINED:
        return []
    return [(Shortage(Short.UNACCOUNTED, f"{kilobytes(held)} of {kilobytes(counted.usable_bytes)} ({percent(share)}) "
                      "are in no counter: pages that drivers, a virtual machine's balloon, ZFS's ARC or a leak in the "
                      "kernel hold"), share)]


def _huge(event: Event, counted: Counted) -> list[tuple[Shortage, float]]:
    whole = max(counted.usable_bytes, event.ram_bytes or 0)
    if not whole or counted.hugepages_bytes < _MUCH * whole or counted.contradicts:
        return []
    share = counted.hugepages_bytes / whole
    told = (f"{kilobytes(counted.hugepages_bytes)} ({percent(share)}) are set aside as huge pages, "
            f"{kilobytes(counted.hugepages_free_bytes)} of them unused; nothing else can use them")
    return [(Shortage(Short.HUGEPAGES, told), share)]

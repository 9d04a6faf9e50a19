"""What was short on the host as a whole: zones against their marks, what holds the memory, the blocks that are left."""

from __future__ import annotations

from collections.abc import Sequence

from watchdog_oom import formatting
from watchdog_oom.kernel_log.counted import Counted, count
from watchdog_oom.kernel_log.gfp import Request, request_of
from watchdog_oom.kernel_log.kernel_holds import holds, slabs_alone
from watchdog_oom.kernel_log.model import Event
from watchdog_oom.kernel_log.node_range import numbers_in
from watchdog_oom.kernel_log.shortage import (
    Short,
    Shortage,
    by_hand,
    by_user_space,
    nothing,
    of_control_group,
    swap_has_room,
    swap_kind,
    swap_words,
)
from watchdog_oom.kernel_log.zone_room import LOW_ZONES, ZoneRoom, is_small_dma, kilobytes, rooms, size_of

_MUCH_SHARED = 0.2
_TINY_BYTES = 24 << 20  # a host on which the first 16 MiB are most of what there is
_RESIDENT = 0.99  # of a victim's address space: nothing of it was in swap
_MUCH_CACHE = 0.1  # of the memory: what the kernel could have given back, had it helped
_FULL = 0.02      # free, of what is counted


def judge(event: Event) -> tuple[Shortage, ...]:
    """What was short in this event, at least one answer."""
    if event.constraint == "userspace":
        return by_user_space(event)
    if by_hand(event):
        return nothing(event)
    if event.constraint == "memcg":
        return of_control_group(event)
    request = request_of(event)
    found = tuple(room for room in rooms(event, request) if room.zone.min_bytes is not None)  # else its line was cut
    node = _node(event, request, found)
    if node is not None:
        return (node,)
    return _without_zones(event) if _only_first_16_mib(event, found) else _of_zones(event, request, found)


def _only_first_16_mib(event: Event, found: Sequence[ZoneRoom]) -> bool:
    """Whether the lines of the zones that matter are missing."""
    tiny = event.ram_bytes is not None and event.ram_bytes <= _TINY_BYTES
    return not tiny and all(is_small_dma(room.zone) for room in found)


def _of_zones(event: Event, request: Request, found: tuple[ZoneRoom, ...]) -> tuple[Shortage, ...]:
    counted = count(event)
    allowed = _that_count([room for room in found if room.allowed])
    low = _low_memory(event, request, found)
    if low is not None:
        low_rooms = _that_count([room for room in found if room.zone.name in LOW_ZONES])
        of_low = sum(size_of(room.zone) for room in low_rooms)
        return (low, *_cma(low_rooms), *(shortage for shortage, _ in holds(event, counted, of_low)
                                         if shortage.kind is Short.KERNEL_MEMORY))
    scattered = _fragmentation(request, allowed)
    if scattered is not None:
        all_gone = all(room.tight for room in allowed) and counted.share(counted.file_bytes) < _MUCH_CACHE
        return (*_of_ram(event, counted, allowed), scattered) if all_gone and swap_kind(event) else (scattered,)
    roomy = [room for room in allowed if room.ample]
    if roomy:
        return (Shortage(Short.NOTHING, f"nothing by these numbers: {roomy[0].words}; {swap_words(event)}"),)
    return _of_ram(event, counted, allowed)


def _of_ram(event: Event, counted: Counted, allowed: Sequence[ZoneRoom]) -> tuple[Shortage, ...]:
    """Every zone that the request may use is about down to its marks: because of swap, or of who holds the memory."""
    held = holds(event, counted, counted.usable_bytes)
    first = [shortage for shortage, share in held if share > 0.5]
    rest = [shortage for shortage, share in held if share <= 0.5]
    kind = swap_kind(event)
    numbers = f"{_ram(event, counted)}; {'; '.join(room.words for room in allowed[:4])}; {swap_words(event)}"
    if kind is not None:
        base = [Shortage(kind, numbers)]
    elif held:
        base = []
    elif swap_has_room(event) and not counted.whole:
        base = [Shortage(Short.NOT_TO_BE_TOLD, f"some of the memory was short: {numbers}; lines that tell of the rest "
                                               "are missing")]
    elif swap_has_room(event):
        base = [Shortage(Short.RAM_AND_SWAP, f"{numbers}, which did not help: the kernel could not move pages there "
                                             "as fast as they were asked for, or not at all (locked, or shared)")]
    else:
        base = [Shortage(Short.NOT_TO_BE_TOLD, f"RAM was short: {numbers}; the lines that tell of swap are missing")]
    return (*first, *base, *rest, *_cma(allowed))


def _ram(event: Event, counted: Counted) -> str:
    total = event.ram_bytes or counted.usable_bytes
    free = event.meminfo.get("free")
    told = "" if free is None else f", {kilobytes(free)} of it free"
    user = f", {kilobytes(counted.anon_bytes)} held by processes" if counted.anon_bytes else ""
    shared = event.meminfo.get("shmem", 0)
    files = f" ({kilobytes(shared)} of it shared memory and files in tmpfs, which no process list shows)" \
        if counted.share(shared) >= _MUCH_SHARED else ""
    return f"RAM {kilobytes(total)}{told}{user}{files}"


def _low_memory(event: Event, request: Request, found: tuple[ZoneRoom, ...]) -> Shortage | None:
    """Low memory is gone while high memory, or swap for what is in it, is not: a 32-bit kernel can use only low
    memory for itself. Also: the memory below 4 GiB, or the first 16 MiB, for a device that can use no other."""
    above = [room for room in found if not room.allowed] if request.known \
        else [room for room in found if room.zone.name not in LOW_ZONES]
    below = _that_count([room for room in found if room not in above])
    shown_empty = any(zone.name in request.flags and zone.free_bytes == 0 and not size_of(zone) for zone in event.zones)
    if not below and shown_empty and any(room.ample for room in above):
        return Shortage(Short.LOWMEM, f"{request.use} must lie in a zone that has no memory at all here; "
                                      f"{above[0].label} has {kilobytes(above[0].free_bytes)} free")
    cut_off = bool(event.highmem_bytes) and not above  # the zone's line is missing
    if not below or any(room.ample for room in below) or not (above or cut_off):
        return None
    if request.known and request.highmem:
        return None
    roomy = [room for room in above if room.ample]
    if not roomy and not swap_has_room(event):
        return None
    rest = "; ".join(f"{room.label} has {kilobytes(room.free_bytes)} free" for room in (roomy or above)[:2])
    told = "; ".join(part for part in (*(room.words for room in below), rest, swap_words(event)) if part)
    return Shortage(Short.LOWMEM, f"{told}; {request.use} must lie in low memory" if request.known else told)


def _fragmentation(request: Request, allowed: Sequence[ZoneRoom]) -> Shortage | None:
    """Enough memory is free, but no block of it is as large as what was asked for."""
    order = request.order or 0
    with_room = [room for room in allowed if not room.below_min]
    if order < 1 or not with_room or any(not room.zone.free_lists for room in with_room):
        return None
    if any(largest_order(room, request) >= order for room in with_room):
        return None
    best = max(with_room, key=lambda room: largest_order(room, request))
    block_bytes = max((blocks.block_bytes for blocks in best.zone.free_lists if blocks.order == order), default=0)
    wanted = f"a block of {kilobytes(block_bytes)} (order {order})" if block_bytes else f"a block of order {order}"
    largest = max((blocks.block_bytes for blocks in best.zone.free_lists
                   if blocks.order == largest_order(best, request)), default=0)
    return Shortage(Short.FRAGMENTATION, f"{wanted} was asked for; {best.words}, but the largest usable block there "
                                         f"is {kilobytes(largest)}")


def largest_order(room: ZoneRoom, request: Request) -> int:
    """The largest block of the zone that this request can have; −1 if there is none. Blocks of CMA's areas are for
    what can be moved, those kept for atomic requests and isolated ones for nobody else."""
    forbidden = {"H", "I"} | (set() if request.movable else {"C"})
    return max((blocks.order for blocks in room.zone.free_lists
                if blocks.count and (not blocks.types or set(blocks.types) - forbidden)), default=-1)


def _cma(judged: Sequence[ZoneRoom]) -> tuple[Shortage, ...]:
    hidden = [room for room in judged if room.tight_by_cma_alone]
    return tuple(Shortage(Short.CMA, f"{room.words}: what is free belongs to CMA's areas, which only memory that can "
                                     "be moved may use") for room in hidden[:1])


def _that_count(found: Sequence[ZoneRoom]) -> list[ZoneRoom]:
    """Without the first 16 MiB, unless there is nothing else: it is kept for old devices."""
    ordinary = [room for room in found if not is_small_dma(room.zone)]
    return ordinary or list(found)


def _node(event: Event, request: Request, found: tuple[ZoneRoom, ...]) -> Shortage | None:
    """Only some nodes were allowed, and those were short, while others were not."""
    limited = event.constraint in ("cpuset", "mempolicy")
    nodes = numbers_in((event.nodemask if event.constraint == "mempolicy" else None) or event.mems_allowed)
    mine = [room for room in found if nodes is None or room.zone.node in nodes]
    others = [room for room in found if room not in mine]
    if not limited and (nodes is None or not others or not mine
                        or any(room.ample for room in _that_count([room for room in mine if room.allowed]))
                        or not any(room.ample for room in _that_count(others))):
        return None
    which = f"node{'s' if len(nodes) > 1 else ''} {', '.join(map(str, sorted(nodes)))}" if nodes else "some nodes"
    by = "the memory policy (numactl, mbind)" if event.constraint == "mempolicy" else "the cpuset"
    usable = [room for room in mine if room.allowed]
    if mine and not usable:
        what = f"which {'have' if nodes and len(nodes) > 1 else 'has'} no zone in which {request.use} may lie: " \
               + "; ".join(f"{room.label} has {kilobytes(room.free_bytes)} free" for room in mine[:3])
    else:
        what = "; ".join(room.words for room in _that_count(usable)[:4]) or "whose zones are in no line"
    rest = sum(room.free_bytes for room in others)
    elsewhere = f"; {kilobytes(rest)} are free on other nodes" if others else ""
    return Shortage(Short.NODE, f"{by} allows only {which}, {what}{elsewhere}")


def _without_zones(event: Event) -> tuple[Shortage, ...]:
    """Without the zones' lines: only what the slabs, or a victim that was wholly in RAM, can tell."""
    if event.slabs:
        return (slabs_alone(event),)
    counted = count(event)
    held = counted.lru_bytes + counted.slab_bytes + counted.free_bytes + counted.other_kernel_bytes
    if counted.anon_bytes and counted.free_bytes < _FULL * held and _victim_resident(event, counted.anon_bytes):
        return (Shortage(Short.RAM_NO_SWAP, f"RAM was full: {kilobytes(counted.anon_bytes)} held by processes, "
                         f"{kilobytes(counted.free_bytes)} free; the lines of the zones and of swap are missing, but "
                         "next to nothing of the victim, which held most of it, was in swap"),
                Shortage(Short.NOT_TO_BE_TOLD, "the lines of the zones and of swap are missing"))
    return (Shortage(Short.NOT_TO_BE_TOLD, _missing_words(event)),)


def _victim_resident(event: Event, anon_bytes: int) -> bool:
    return any((kill.anon_rss_bytes or 0) > anon_bytes / 2
               and (kill.anon_rss_bytes or 0) > _RESIDENT * (kill.total_vm_bytes or 0) > 0 for kill in event.kills)


def _missing_words(event: Event) -> str:
    if event.meminfo.get("free") is not None:
        return (f"{kilobytes(event.meminfo['free'])} are free, but the lines of the zones, and of how much each of "
                "them needs, are missing")
    what = "memory was" if event.swap_free_bytes is not None else "memory and swap were"
    told = f"the lines that tell how much {what} left (Mem-Info) are missing"
    failed = event.failed_allocations
    if failed:
        orders = ", ".join(str(order) for order in sorted({one.order for one in failed}))
        return f"{formatting.count(len(failed), 'allocation')} failed (order {orders}), but {told}"
    return told if not event.no_killable else f"there was no process left that could be killed, but {told}"



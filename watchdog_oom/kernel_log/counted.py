"""What the memory of the host was used for, as far as the report's counters tell: each use, and what none explains."""

from __future__ import annotations

from watchdog_oom.kernel_log.model import Event
from watchdog_oom.kernel_log.zone_room import size_of
from watchdog_oom.lean_dataclasses import dataclass

_LRU = ("active_anon", "inactive_anon", "active_file", "inactive_file", "unevictable", "isolated_anon",
        "isolated_file", "active", "inactive")
_KERNEL = ("pagetables", "sec_pagetables", "kernel_stack", "bounce", "kernel_misc_reclaimable", "percpu",
           "shadow_call_stack")
_FREE = ("free", "free_pcp")
_ALL_TOLD = (frozenset({"free", "active_anon", "inactive_anon", "active_file", "inactive_file", "slab_unreclaimable"}),
             frozenset({"free", "active", "inactive", "slab"}))
_ZONE_SUMS = ("kernel_stack", "shadow_call_stack")  # counted in nodes or zones only
_AGREE = 0.05  # zones' own sizes and the host's total may differ by that


@dataclass(frozen=True, slots=True)
class Counted:
    """Bytes by use. ``usable_bytes`` is what the kernel could hand out; 0 where it is not told. ``whole``: whether all
    zones are here, so that what no counter explains can be told. ``contradicts``: the zones say another size than the
    host's total (an edited log)."""

    usable_bytes: int
    free_bytes: int
    lru_bytes: int
    anon_bytes: int
    file_bytes: int
    slab_bytes: int
    slab_unreclaimable_bytes: int
    other_kernel_bytes: int
    hugepages_bytes: int
    hugepages_free_bytes: int
    whole: bool
    contradicts: str = ""

    @property
    def kernel_bytes(self) -> int:
        """What the kernel holds for itself and does not give back under pressure."""
        return self.slab_unreclaimable_bytes + self.other_kernel_bytes

    @property
    def unexplained_bytes(self) -> int:
        """What no counter of the report explains: drivers, a balloon, ZFS's ARC, leaked pages."""
        if not self.whole:
            return 0
        explained = (self.free_bytes + self.lru_bytes + self.slab_bytes + self.other_kernel_bytes
                     + self.hugepages_bytes)
        return max(0, self.usable_bytes - explained)

    def share(self, amount_bytes: int) -> float:
        """Of all usable memory, 0 to 1; 0 where that is not known."""
        return amount_bytes / self.usable_bytes if self.usable_bytes else 0.0


def count(event: Event) -> Counted:
    """The uses of the host's memory at the moment of the report."""
    info = event.meminfo
    zones = sum(size_of(zone) for zone in event.zones)
    told = max(0, (event.ram_bytes or 0) - (event.reserved_bytes or 0))
    unsplit = info.get("slab", 0)
    unreclaimable = info.get("slab_unreclaimable", 0)
    huge = sum(pages.total * pages.page_bytes for pages in event.hugepages)
    contradicts = _contradiction(zones, told, huge, event)
    free = sum(info.get(name, 0) for name in _FREE)
    lru = sum(info.get(name, 0) for name in _LRU)
    slab = unsplit + unreclaimable + info.get("slab_reclaimable", 0)
    other = sum(info.get(name, 0) for name in _KERNEL) + _in_parts(event)
    # Zones may be cut off, then there is at least what is counted; RAM that is too large was edited.
    usable = zones if contradicts else told or max(zones, free + lru + slab + other)
    return Counted(
        usable_bytes=usable,
        free_bytes=free,
        lru_bytes=lru,
        anon_bytes=info.get("active_anon", 0) + info.get("inactive_anon", 0) + info.get("isolated_anon", 0),
        file_bytes=info.get("active_file", 0) + info.get("inactive_file", 0),
        slab_bytes=slab,
        slab_unreclaimable_bytes=unreclaimable or unsplit,
        other_kernel_bytes=other,
        hugepages_bytes=huge,
        hugepages_free_bytes=sum(pages.free * pages.page_bytes for pages in event.hugepages),
        whole=bool(_lists_all(event) and told and _all_zones(event, zones, told)),
        contradicts=contradicts)


def _all_present(event: Event) -> bool:
    """Kernels before 3.8 tell only what is present in a zone, reserved pages included."""
    return all(zone.managed_bytes is None for zone in event.zones)


def _all_zones(event: Event, zones: int, told: int) -> bool:
    """Whether the zones add up to the host's memory."""
    whole = (event.ram_bytes or 0) if _all_present(event) else told
    return abs(zones - whole) <= _AGREE * whole


def _lists_all(event: Event) -> bool:
    """Whether no line of the counters is missing."""
    return any(event.meminfo.keys() >= names for names in _ALL_TOLD)


def _in_parts(event: Event) -> int:
    """Kernel stacks: in the host's line nowhere, in the nodes' since 4.8, in the zones' before and again since."""
    found = 0
    for name in _ZONE_SUMS:
        if name not in event.meminfo:
            in_nodes = sum(node.counters.get(name, 0) for node in event.nodes)
            found += in_nodes or sum(zone.counters.get(name, 0) for zone in event.zones)
    return found


def _contradiction(zones: int, told: int, huge: int, event: Event) -> str:
    if not zones or _all_present(event):
        return ""
    if huge > zones:
        return f"huge pages of {huge // 1024:,} kB do not fit into zones of {zones // 1024:,} kB"
    if told and zones > told * (1 + _AGREE):
        return f"the zones add up to {zones // 1024:,} kB, more than the host's {told // 1024:,} kB"
    return ""

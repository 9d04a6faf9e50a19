"""How much room each zone had for the request, by the kernel's own rule (``__zone_watermark_ok``, mm/page_alloc.c).

Free memory, less what the request may not take, is held against the watermarks.
"""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.kernel_log.gfp import Request
from watchdog_oom.kernel_log.model import Event, Zone
from watchdog_oom.lean_dataclasses import dataclass

LOW_ZONES = frozenset({"DMA", "DMA32", "Normal"})
_RANKS = ("DMA", "DMA32", "Normal", "HighMem", "Movable", "Device")
_MOST_LIKELY = ("Movable", "Normal", "Device", "HighMem", "DMA32", "DMA")  # configured, if not shown
_AMPLE_MARKS, _AMPLE_SHARE = 2, 0.05
_SMALL_DMA_BYTES = 20 << 20  # the first 16 MiB, which kernels keep for old devices


@dataclass(frozen=True, slots=True)
class ZoneRoom:
    """One zone, as this request found it. ``allowed``: whether the request may lie there at all.
    ``cma_bytes``: free memory of CMA's areas, which this request cannot have."""

    zone: Zone
    allowed: bool
    reserve_bytes: int
    cma_bytes: int

    @property
    def free_bytes(self) -> int:
        return self.zone.free_bytes or 0

    @property
    def room_bytes(self) -> int:
        return self.free_bytes - self.cma_bytes - self.reserve_bytes

    @property
    def tight(self) -> bool:
        """Below its high watermark: the kernel's last look before it kills asks for that much."""
        return self.room_bytes < self._mark(self.zone.high_bytes)

    @property
    def ample(self) -> bool:
        """Far more than its marks: not only what others gave back between the decision and the report."""
        high = self.zone.high_bytes or (self.zone.min_bytes or 0) * 3 // 2  # as kernels set it, if its line was cut
        least = max(_AMPLE_MARKS * high, _AMPLE_SHARE * size_of(self.zone))
        return self.room_bytes >= max(least, 1)

    @property
    def below_min(self) -> bool:
        return self.room_bytes < self._mark(self.zone.min_bytes)

    @property
    def tight_by_cma_alone(self) -> bool:
        """Whether it would pass one of its marks if the request could use CMA's areas."""
        with_cma = self.room_bytes + self.cma_bytes
        return self.cma_bytes > 0 and any(self.room_bytes < self._mark(mark) <= with_cma
                                          for mark in (self.zone.min_bytes, self.zone.high_bytes))

    @property
    def label(self) -> str:
        return self.zone.name if self.zone.node is None else f"node {self.zone.node} {self.zone.name}"

    @property
    def words(self) -> str:
        """``Normal has 452 kB free, below its min of 460 kB``."""
        zone = self.zone
        cma = f", of it {kilobytes(self.cma_bytes)} CMA, which it may not use" if self.cma_bytes else ""
        if zone.min_bytes is None:
            return f"{self.label} has {kilobytes(self.free_bytes)} free{cma}"
        kept = f" ({kilobytes(self.reserve_bytes)} are kept from it)" if self.reserve_bytes else ""
        return f"{self.label} has {kilobytes(self.free_bytes)} free{cma}{kept}{self._against(kept or cma)}"

    def _against(self, less: str) -> str:
        zone = self.zone
        left = f", {kilobytes(self.room_bytes)} remain" if less else ""
        if self.below_min:
            return f"{left}, below its min of {kilobytes(zone.min_bytes)}"
        if self.tight:
            return (f"{left}, above its min of {kilobytes(zone.min_bytes)}, "
                    f"below its high of {kilobytes(zone.high_bytes)}")
        return f"{left}, above its high of {kilobytes(self._mark(zone.high_bytes))}"

    def _mark(self, mark: int | None) -> int:
        return mark if mark is not None else self.zone.min_bytes or 0


def kilobytes(amount_bytes: int | None) -> str:
    """As the kernel writes it, so that it can be found in the log: ``12,744 kB``."""
    return "? kB" if amount_bytes is None else f"{amount_bytes // 1024:,} kB"


def rooms(event: Event, request: Request) -> tuple[ZoneRoom, ...]:
    """Every zone with memory in it."""
    zones = [zone for zone in event.zones if zone.free_bytes is not None and not _empty(zone)]
    shown = {zone.name for zone in event.zones} | ({"HighMem"} if event.highmem_bytes else set())
    top = _top_zone(request, shown)
    kept_from = top if request.known else "Normal"  # where that is not told, at least the kernel itself
    return tuple(ZoneRoom(zone, _rank(zone.name) <= _rank(top), _reserve(event, zone, shown, kept_from),
                          0 if request.movable else _cma(event, zone)) for zone in zones)


def is_small_dma(zone: Zone) -> bool:
    """The first 16 MiB: free memory there says nothing, since the kernel keeps it for old devices."""
    return zone.name == "DMA" and 0 < (zone.present_bytes or zone.managed_bytes or 0) <= _SMALL_DMA_BYTES


def size_of(zone: Zone) -> int:
    """What the zone can hand out."""
    return zone.managed_bytes if zone.managed_bytes is not None else zone.present_bytes or 0


def _empty(zone: Zone) -> bool:
    return size_of(zone) == 0 and (zone.managed_bytes is not None or zone.present_bytes is not None)


def _rank(name: str) -> int:
    return _RANKS.index(name) if name in _RANKS else 0


def _top_zone(request: Request, shown: set[str]) -> str:
    """The highest zone in which the request may lie. Where the request is not known, all are looked at."""
    if "DMA" in request.flags:
        return "DMA"
    if "DMA32" in request.flags:
        return "DMA32"
    if not request.known or (request.highmem and request.movable):
        return "Movable"
    return "HighMem" if request.highmem and "HighMem" in shown else "Normal"


def _reserve(event: Event, zone: Zone, shown: set[str], top: str) -> int:
    """What this zone keeps from requests that could go higher (``lowmem_reserve``). The list has an entry for each
    zone that the kernel is configured for, whether it has memory or not."""
    kept = zone.lowmem_reserve_pages
    if not kept:
        return 0
    kinds = set(shown) & set(_RANKS)
    for kind in _MOST_LIKELY:
        if len(kinds) >= len(kept):
            break
        kinds.add(kind)
    below = [kind for kind in _RANKS if kind in kinds and _rank(kind) <= _rank(top)]
    return kept[min(len(below), len(kept)) - 1] * event.page_bytes if below else 0


def _cma(event: Event, zone: Zone) -> int:
    """Where the line was cut before it, and no list of blocks tells, it may be all that is reserved for CMA."""
    if zone.free_cma_bytes is not None:
        return zone.free_cma_bytes
    if zone.managed_bytes is None and event.cma_reserved_bytes:
        return min(zone.free_bytes or 0, event.cma_reserved_bytes)
    return sum(blocks.count * blocks.block_bytes for blocks in zone.free_lists if blocks.types == "C")


def percent(share: float) -> str:
    """A share of 0 to 1 for people: ``61%``; what counts twice may be more than the whole."""
    return "under 1%" if 0 < share < 0.005 else formatting.percent(min(100, round(share * 100)))


def sizes(amount_bytes: int) -> str:
    """For people, and as the kernel writes it: ``512 MiB (523,888 kB)``."""
    return f"{formatting.size(amount_bytes)} ({kilobytes(amount_bytes)})"

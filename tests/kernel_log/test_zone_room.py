"""The room of a zone by the kernel's rule: marks, reserves, CMA."""

from __future__ import annotations

import pytest

from tests.kernel_log.made import GIB, KERNEL, KIB, MIB, blocks, event, zone
from watchdog_oom.kernel_log.gfp import request_of
from watchdog_oom.kernel_log.model import Event, Zone
from watchdog_oom.kernel_log.zone_room import ZoneRoom, is_small_dma, kilobytes, rooms


def seen(one: Event) -> tuple[ZoneRoom, ...]:
    return rooms(one, request_of(one))


def test_a_zone_without_memory_is_left_out() -> None:
    empty = (Zone(0, "Normal", free_bytes=0, present_bytes=0), Zone(0, "HighMem"), zone("DMA32"))
    assert [room.zone.name for room in seen(event(zones=empty))] == ["DMA32"]


@pytest.mark.parametrize(("names", "reserve", "mask", "kept_pages"), [
    (("DMA", "DMA32", "Normal"), (0, 10, 200, 200), 0x140CCA, 200),    # x86-64: Movable is configured, not shown
    (("DMA", "DMA32"), (0, 125, 125, 125), KERNEL, 125),
    (("DMA", "Normal", "HighMem"), (0, 800, 2997, 2997), KERNEL, 800),  # i386: the kernel itself goes to Normal at most
    (("DMA", "Normal", "HighMem"), (0, 800, 2997, 2997), 0x140CCA, 2997),
    (("DMA", "Normal", "HighMem"), (0, 800, 2997), 0x1D2, 2997),        # before Movable there was
    (("Normal", "Movable"), (0, 500), 0x140CCA, 500), ((), (), KERNEL, 0)])
def test_the_reserve_is_that_for_the_highest_zone_of_the_request(names: tuple[str, ...], reserve: tuple[int, ...],
                                                                 mask: int, kept_pages: int) -> None:
    kept = zone(names[0] if names else "Normal", lowmem_reserve_pages=reserve)
    one = event(mask=mask, kernel="2.6.9" if mask == 0x1D2 else "6.1.0", zones=(kept, *map(zone, names[1:])))
    assert seen(one)[0].reserve_bytes == kept_pages * 4096


def test_marks_are_met_exactly_or_not() -> None:
    assert [(room.below_min, room.tight) for free in (3199, 3200, 4799, 4800)
            for room in seen(event(zones=(zone(free_kib=free),)))] \
        == [(True, True), (False, True), (False, True), (False, False)]


def test_cma_is_counted_from_the_buddy_list_where_the_line_does_not_tell_it() -> None:
    lists = (*blocks(10), *blocks(0, 0, 4, types="C"), *blocks(0, 5, types="UC"))
    one = event(mask=KERNEL, zones=(zone(free_lists=lists),))
    assert seen(one)[0].cma_bytes == 4 * 16 * KIB
    assert seen(event(zones=(zone(free_lists=lists),)))[0].cma_bytes == 0


def test_cma_alone_makes_it_tight_if_a_mark_lies_between() -> None:
    def alone(free: int, cma: int) -> bool:
        return seen(event(mask=KERNEL, zones=(zone(free_kib=free, free_cma_bytes=cma * KIB),)))[0].tight_by_cma_alone
    assert alone(4800, 100)       # the high mark
    assert alone(3300, 200)       # the min mark
    assert not alone(3000, 100)   # below min in any case
    assert not alone(9000, 0)


def test_the_words_say_which_mark_and_what_is_kept() -> None:
    one = zone("DMA32", 6000, lowmem_reserve_pages=(0, 0, 500, 500), node=None)
    assert seen(event(zones=(one, zone())))[0].words == ("DMA32 has 6,000 kB free (2,000 kB are kept from it), "
                                                        "4,000 kB remain, above its min of 3,200 kB, below its high "
                                                        "of 4,800 kB")
    assert seen(event(zones=(Zone(1, "Normal", free_bytes=4096),)))[0].words == "node 1 Normal has 4 kB free"


def test_the_first_16_mib_are_small_and_a_32_bit_guest_of_xen_has_all_its_low_memory_there() -> None:
    assert is_small_dma(zone("DMA", size=16 * MIB))
    assert not is_small_dma(zone("DMA", size=745_464 * KIB))
    assert not is_small_dma(zone("Normal", size=16 * MIB))


def test_kilobytes_are_written_as_in_the_log() -> None:
    assert (kilobytes(12_744 * KIB), kilobytes(None), kilobytes(GIB)) == ("12,744 kB", "? kB", "1,048,576 kB")

"""What was short on the host, judged on made-up numbers just on either side of each decision."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kernel_log.made import FILES, GIB, KERNEL, KIB, MIB, blocks, event, kill, task, zone
from watchdog_oom.kernel_log.model import Event, HugePages, Invoker, Slab, Zone
from watchdog_oom.kernel_log.shortage_of_host import judge
from watchdog_oom.lean_dataclasses import replace

LOWMEM = {"slab_unreclaimable": 20 * MIB, "free": 3000 * KIB, "inactive_anon": 0}


def kinds(one: Event) -> list[str]:
    return [str(shortage.kind) for shortage in judge(one)]


def evidence(one: Event) -> str:
    return " / ".join(shortage.evidence for shortage in judge(one))


@pytest.mark.parametrize(("swap", "found"), [
    ((0, GIB), ["ram_and_swap"]), ((GIB // 11, GIB), ["ram_and_swap"]), ((0, 0), ["ram_no_swap"]),
    (None, ["ram_no_swap"])])  # a kernel without swap writes no line about it
def test_ram_is_short_with_swap_or_without_it(swap: tuple[int, int] | None, found: list[str]) -> None:
    assert kinds(event(swap=swap)) == found


def test_the_evidence_has_the_numbers_of_the_log() -> None:
    told = evidence(event(swap=(84 * KIB, GIB)))
    assert "node 0 Normal has 3,000 kB free, below its min of 3,200 kB" in told
    assert "84 kB of 1,048,576 kB swap are free" in told


def test_without_the_lines_of_swap_it_is_not_told_unless_the_processes_tell_it() -> None:
    cut = event(swap=None, parts=frozenset({"meminfo", "zones"}))
    assert kinds(cut) == ["not_to_be_told"]
    tasks = (task(1, "a", 500),)
    assert kinds(event(swap=None, parts=cut.parts, tasks=tasks)) == ["ram_no_swap"]


def test_far_more_than_the_marks_is_no_shortage_and_what_others_gave_back_since_is() -> None:
    assert kinds(event(zones=(zone(free_kib=52_429),))) == ["nothing"]
    assert kinds(event(zones=(zone(free_kib=52_428),))) == ["ram_and_swap"]
    assert kinds(event(zones=(zone(free_kib=52_429, low_kib=30_000),))) == ["ram_and_swap"]


def test_what_a_zone_keeps_from_higher_requests_is_no_room() -> None:
    """DMA32 has 60 MB, of which 58 are kept for those that can go nowhere else."""
    kept = zone("DMA32", 60_000, low_kib=8000, size=GIB // 4, lowmem_reserve_pages=(0, 0, 14_500, 14_500))
    normal = zone(size=GIB * 3 // 4)
    assert kinds(event(zones=(kept, normal))) == ["ram_and_swap"]
    assert "58,000 kB are kept from it" in evidence(event(zones=(kept, normal)))
    roomy = zone("DMA32", 70_000, low_kib=8000, size=GIB // 4, lowmem_reserve_pages=(0, 0, 4_500, 4_500))
    assert kinds(event(zones=(roomy, normal))) == ["nothing"]


def test_the_first_16_mib_are_no_room_for_anybody_else() -> None:
    assert kinds(event(zones=(zone("DMA", 12_000, low_kib=50, size=16 * MIB), zone()))) == ["ram_and_swap"]


def i386(normal_free_kib: int, high_free_kib: int) -> tuple[Zone, ...]:
    return (zone("DMA", 3500, low_kib=80, size=16 * MIB, node=None),
            zone("Normal", normal_free_kib, low_kib=4700, size=880 * MIB, node=None),
            zone("HighMem", high_free_kib, low_kib=600, size=GIB, node=None))


@pytest.mark.parametrize(("high_free_kib", "swap", "found"), [
    (1_000_000, (0, 0), ["lowmem"]),       # high memory is free
    (500, (GIB, GIB), ["lowmem"]),         # or what is in it could have gone to swap
    (500, (0, GIB), ["ram_and_swap"]),     # else all of it is gone
])
def test_low_memory_alone_is_short_while_high_memory_or_swap_is_not(high_free_kib: int, swap: tuple[int, int],
                                                                    found: list[str]) -> None:
    assert kinds(event(mask=KERNEL, zones=i386(3700, high_free_kib), swap=swap)) == found


def test_a_request_that_may_lie_in_high_memory_is_never_short_of_low_memory() -> None:
    assert kinds(event(zones=i386(3700, 500), swap=(0, 0))) == ["ram_no_swap"]


def test_nor_where_the_line_of_high_memory_is_cut_off() -> None:
    low = i386(3700, 500)[:2]
    assert kinds(event(zones=low, highmem_bytes=GIB, swap=(GIB, GIB), meminfo={"free": 4096})) == ["not_to_be_told"]
    kernel = event(mask=KERNEL, zones=low, highmem_bytes=GIB, swap=(GIB, GIB), meminfo={"free": 4096})
    assert kinds(kernel) == ["lowmem"]


def test_swap_with_more_than_a_tenth_free_is_not_said_to_be_used_up() -> None:
    assert "did not help" not in evidence(event(swap=(GIB // 11, GIB)))
    assert "did not help" in evidence(event(swap=(GIB // 9, GIB)))


def test_low_memory_that_the_slabs_fill_is_the_kernels() -> None:
    full = event(mask=KERNEL, zones=i386(3700, 900_000), kernel="2.6.11", meminfo=LOWMEM | {
        "slab": 800 * MIB, "slab_unreclaimable": 0})
    assert kinds(full) == ["lowmem", "kernel_memory"]


def test_where_the_request_is_not_told_the_zones_alone_tell_of_low_memory() -> None:
    assert kinds(event(invoker=None, zones=i386(3700, 900_000), swap=(GIB, GIB))) == ["lowmem"]


def test_on_a_64_bit_host_a_device_can_be_short_of_the_first_4_gib() -> None:
    below = zone("DMA32", 3000, size=GIB)
    assert kinds(event(mask=KERNEL | 0x04, zones=(below, zone(free_kib=900_000)))) == ["lowmem"]


@pytest.mark.parametrize(("order", "lists", "found"), [
    (3, blocks(500, 400, 300, 0, 0), ["fragmentation"]),
    (3, blocks(500, 400, 300, 0, 1), ["nothing"]),       # a larger block can be split
    (3, (), ["nothing"]),                                # not told
    (0, blocks(9000), ["nothing"])])
def test_free_memory_in_pieces_too_small_is_fragmentation(order: int, lists: Any, found: list[str]) -> None:
    assert kinds(event(mask=KERNEL, order=order, zones=(zone(free_kib=90_000, free_lists=lists),))) == found


@pytest.mark.parametrize(("free_kib", "cache", "swap", "found"), [
    (4000, 0, (0, GIB), ["ram_and_swap", "fragmentation"]),     # all is gone, and what is left is in pieces
    (4000, 200 * MIB, (0, GIB), ["fragmentation"]),             # there was a cache to give back
    (5000, 0, (0, GIB), ["fragmentation"]),                     # above its high mark
    (4000, 0, (GIB // 2, GIB), ["fragmentation"])])             # swap has room
def test_pieces_too_small_come_second_where_everything_is_gone(free_kib: int, cache: int, swap: tuple[int, int],
                                                               found: list[str]) -> None:
    one = event(mask=KERNEL, order=2, swap=swap, zones=(zone(free_kib=free_kib, free_lists=blocks(900, 50, 0)),),
                meminfo={"free": free_kib * KIB, "inactive_anon": GIB - cache, "active_file": cache})
    assert kinds(one) == found


def test_shared_memory_that_no_process_list_shows_is_told() -> None:
    one = event(meminfo={"free": 3000 * KIB, "inactive_anon": 900 * MIB, "shmem": 600 * MIB})
    assert "614,400 kB of it shared memory and files in tmpfs" in evidence(one)
    assert "tmpfs" not in evidence(event())


def test_blocks_of_cma_are_of_no_use_to_the_kernel() -> None:
    lists = (*blocks(500, 0, 0), *blocks(0, 0, 0, 8, types="C"))
    spread = event(mask=KERNEL, order=3, zones=(zone(free_kib=9000, free_lists=lists, free_cma_bytes=256 * KIB),))
    assert kinds(spread) == ["fragmentation"]
    assert "the largest usable block there is 4 kB" in evidence(spread)


def test_free_memory_that_is_all_cma_is_short_for_the_kernel_and_not_for_processes() -> None:
    hidden = (zone(free_kib=500_000, free_cma_bytes=497_000 * KIB),)
    assert kinds(event(mask=KERNEL, zones=hidden, swap=(0, 0))) == ["ram_no_swap", "cma"]
    assert kinds(event(zones=hidden, swap=(0, 0))) == ["nothing"]


@pytest.mark.parametrize(("unreclaimable_mib", "found"), [
    (100, ["ram_no_swap"]), (300, ["ram_no_swap", "kernel_memory"]), (700, ["kernel_memory", "ram_no_swap"])])
def test_the_kernel_is_named_when_it_holds_much_and_first_when_it_holds_most(unreclaimable_mib: int,
                                                                             found: list[str]) -> None:
    one = event(swap=(0, 0), meminfo={"free": 3000 * KIB, "active_anon": (1000 - unreclaimable_mib) * MIB, **FILES,
                                      "inactive_anon": 0, "slab_unreclaimable": unreclaimable_mib * MIB})
    assert kinds(one) == found


def test_the_largest_slabs_are_named() -> None:
    one = event(swap=(0, 0), slabs=(Slab("small", KIB, KIB), Slab("btrfs_extent_map", 690 * MIB, 700 * MIB)), meminfo={
        "free": 3000 * KIB, "active_anon": 300 * MIB, "inactive_anon": 0, "slab_unreclaimable": 700 * MIB})
    assert "btrfs_extent_map 716,800 kB, small 1 kB" in evidence(one)


def test_the_list_of_slabs_alone_tells_that_the_kernel_holds_the_memory() -> None:
    assert kinds(event(zones=(), meminfo={}, slabs=(Slab("dentry", MIB, MIB),))) == ["kernel_memory"]


def test_memory_in_no_counter_is_told_and_swap_with_room_is_not_blamed() -> None:
    one = event(swap=(GIB * 9 // 10, GIB), meminfo={"free": 3000 * KIB, "active_anon": 100 * MIB, "inactive_anon": 0,
                                                    "slab_unreclaimable": 0, **FILES})
    assert kinds(one) == ["unaccounted"]
    assert "(90%) are in no counter" in evidence(one)
    assert kinds(replace(one, meminfo={"free": 3000 * KIB, "inactive_anon": 100 * MIB})) == ["not_to_be_told"]  # cut


def test_without_all_zones_nothing_is_said_of_memory_in_no_counter() -> None:
    one = event(zones=(zone(size=100 * MIB),), meminfo={"free": 3000 * KIB, "active_anon": 100 * MIB,
                                                        "inactive_anon": 0, "slab_unreclaimable": 0, **FILES})
    assert kinds(one) == ["ram_and_swap"]


def test_a_large_pool_of_huge_pages_is_named() -> None:
    huge = (HugePages(0, 300, 250, 2 * MIB),)
    one = event(swap=(0, 0), hugepages=huge, meminfo={"free": 3000 * KIB, "active_anon": 400 * MIB, "inactive_anon": 0})
    assert kinds(one) == ["hugepages", "ram_no_swap"]
    assert "512,000 kB of them unused" in evidence(one)


def test_a_kill_by_hand_is_no_shortage_whatever_the_numbers() -> None:
    assert kinds(event(order=-1)) == ["nothing"]
    assert kinds(event(sysrq=True, invoker=None, zones=())) == ["nothing"]


def test_of_nodes_only_the_allowed_ones_count() -> None:
    both = (zone(node=0), zone(node=1, free_kib=900_000))
    assert kinds(event(zones=both, constraint="cpuset", mems_allowed="0")) == ["node"]
    assert kinds(event(zones=both, constraint="mempolicy", nodemask="0")) == ["node"]
    assert kinds(event(zones=both, mems_allowed="0")) == ["node"]  # kernels before 5.0 print no constraint
    assert kinds(event(zones=both, mems_allowed="0-1")) == ["nothing"]
    assert "900,000 kB are free on other nodes" in evidence(event(zones=both, mems_allowed="0"))


def test_a_node_that_has_only_memory_that_can_be_moved_gives_the_kernel_none() -> None:
    movable = (zone("Movable", 900_000, node=4),)
    told = evidence(event(mask=KERNEL, zones=movable, constraint="cpuset", mems_allowed="4"))
    assert "allows only node 4, which has no zone in which memory for the kernel itself may lie" in told


def test_without_zones_it_cannot_be_told_but_what_is_missing_can() -> None:
    assert kinds(event(zones=(), meminfo={}, swap=None, parts=frozenset())) == ["not_to_be_told"]
    some = event(zones=(), meminfo={"free": 3000 * KIB, "active_anon": 400 * MIB}, swap=None)
    assert kinds(some) == ["not_to_be_told"]
    assert "3,000 kB are free, but the lines of the zones" in evidence(some)


def test_what_is_cut_off_is_not_made_up_for_by_what_is_left() -> None:
    """A report that ends among the lines of the zones."""
    first = (zone("DMA", 8000, low_kib=400, size=16 * MIB),)
    more = {"free": 3000 * KIB, "inactive_anon": 900 * MIB, "slab_unreclaimable": 20 * MIB, **FILES}
    assert kinds(event(zones=first, ram_bytes=None, meminfo=more)) == ["not_to_be_told"]      # not nothing
    assert kinds(event(zones=first, ram_bytes=16 * MIB, swap=(0, 0), meminfo={})) == ["nothing"]  # all there is
    some = (zone(size=100 * MIB),)
    cut = event(zones=some, ram_bytes=None, meminfo=more, swap=None, parts=frozenset())
    assert kinds(cut) == ["not_to_be_told"]                                                   # not the kernel's 20 MiB
    assert kinds(event(zones=some, meminfo=more, swap=(GIB, GIB))) == ["not_to_be_told"]      # another zone, perhaps
    huge = (HugePages(0, 100, 0, 2 * MIB),)
    assert kinds(event(zones=some, ram_bytes=None, meminfo=more, hugepages=huge)) == ["ram_and_swap"]


def test_a_victim_that_was_wholly_in_ram_tells_that_there_was_no_swap_to_go_to() -> None:
    cut: dict[str, Any] = {"zones": (), "swap": None, "parts": frozenset({"meminfo", "kill"}),
           "meminfo": {"free": 3000 * KIB, "inactive_anon": 900 * MIB}}
    whole = event(**cut, kills=(kill(1, "hog", 899, total_vm_bytes=900 * MIB),))
    assert kinds(whole) == ["ram_no_swap", "not_to_be_told"]
    assert kinds(event(**cut, kills=(kill(1, "hog", 600, total_vm_bytes=900 * MIB),))) == ["not_to_be_told"]


def test_an_event_without_anything_is_answered_all_the_same() -> None:
    bare = Event(None, "none", 1, 1)
    assert kinds(bare) == ["not_to_be_told"]
    assert kinds(Event(None, "none", 1, 1, invoker=Invoker("x", order=3), zones=(Zone(None, "Normal"),))) \
        == ["not_to_be_told"]


def test_a_zone_that_has_no_memory_at_all_is_what_was_short() -> None:
    empty = zone("DMA", 0, size=0)
    found = judge(event(mask=0xDC1, zones=(empty, zone("DMA32", 256_000, low_kib=500)), swap=(0, 0)))
    assert [str(one.kind) for one in found] == ["lowmem"]
    assert "has no memory at all here" in found[0].evidence


def test_of_a_zone_without_its_size_or_marks_no_room_is_known() -> None:
    cut = replace(zone("DMA32", 54_488, low_kib=64_464), present_bytes=None, managed_bytes=None, high_bytes=None)
    assert str(judge(event(zones=(cut,), swap=(0, 0)))[0].kind) != "nothing"
    bare = replace(cut, min_bytes=None, low_bytes=None)
    assert [str(one.kind) for one in judge(event(zones=(bare,), swap=(0, 0)))] == ["not_to_be_told"]

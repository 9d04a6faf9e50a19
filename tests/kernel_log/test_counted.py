"""The uses of memory, added up."""

from __future__ import annotations

from tests.kernel_log.made import GIB, KIB, MIB, event, zone
from watchdog_oom.kernel_log.counted import count
from watchdog_oom.kernel_log.model import HugePages, Node
from watchdog_oom.lean_dataclasses import replace


def test_what_no_counter_has_is_the_rest_of_what_could_be_handed_out() -> None:
    counted = count(event(ram_bytes=GIB + 64 * MIB, reserved_bytes=64 * MIB))
    assert counted.usable_bytes == GIB
    assert counted.unexplained_bytes == GIB - 3000 * KIB - (GIB - 40 * MIB) - 30 * MIB - 5 * MIB


def test_slabs_that_are_not_split_count_as_held() -> None:
    old = count(event(meminfo={"free": 4096, "active": 8192, "inactive": 0, "slab": 500 * MIB}))
    assert (old.slab_unreclaimable_bytes, old.lru_bytes) == (500 * MIB, 8192)
    assert old.whole


def test_stacks_are_taken_from_where_the_kernel_tells_them_once() -> None:
    nodes = (Node(0, {"kernel_stack": MIB}), Node(1, {"kernel_stack": MIB}))
    twice = zone(counters={"kernel_stack": 9 * MIB})
    assert count(event(nodes=nodes, zones=(twice,))).other_kernel_bytes == 7 * MIB
    assert count(event(zones=(twice,))).other_kernel_bytes == 14 * MIB


def test_numbers_that_do_not_fit_each_other_are_noticed() -> None:
    edited = count(event(ram_bytes=20 * GIB, hugepages=(HugePages(0, 2, 0, GIB),)))
    assert edited.contradicts == "huge pages of 2,097,152 kB do not fit into zones of 1,048,576 kB"
    assert not edited.whole
    assert edited.usable_bytes == GIB
    assert "more than the host's" in count(event(ram_bytes=GIB // 2)).contradicts
    assert count(event()).contradicts == ""


def test_pages_of_cpus_own_lists_count_as_free() -> None:
    assert count(event(meminfo={"free": MIB, "free_pcp": MIB})).free_bytes == 2 * MIB


def test_without_anything_all_is_zero_and_no_share_is_divided_by_it() -> None:
    nothing = count(event(zones=(), meminfo={}, ram_bytes=None))
    assert (nothing.usable_bytes, nothing.unexplained_bytes, nothing.share(5)) == (0, 0, 0.0)


def test_before_3_8_zones_tell_what_is_present_and_that_must_be_the_hosts_whole_ram() -> None:
    old = replace(zone(size=GIB), managed_bytes=None)
    counted = count(event(zones=(old,), ram_bytes=GIB, reserved_bytes=100 * MIB))
    assert counted.whole
    assert counted.usable_bytes == GIB - 100 * MIB
    assert not count(event(zones=(old,), ram_bytes=2 * GIB)).whole

"""Memory that no process holds: which share is much."""

from __future__ import annotations

import pytest

from tests.kernel_log.made import FILES, GIB, KIB, MIB, event
from watchdog_oom.kernel_log.counted import count
from watchdog_oom.kernel_log.kernel_holds import holds, slab_words
from watchdog_oom.kernel_log.model import Event, HugePages, Slab


def kinds(one: Event) -> list[str]:
    return [str(shortage.kind) for shortage, _ in holds(one, count(one), GIB)]


def used(anon_mib: int, **kernel_mib: int) -> Event:
    return event(meminfo={"free": 3000 * KIB, "active_anon": anon_mib * MIB, "inactive_anon": 0,
                          "slab_unreclaimable": 0, **FILES, **{name: mib * MIB for name, mib in kernel_mib.items()}})


@pytest.mark.parametrize(("one", "found"), [
    (used(800, slab_unreclaimable=200), []), (used(760, slab_unreclaimable=256), ["kernel_memory"]),
    (used(700, slab_unreclaimable=100, pagetables=200), ["kernel_memory"]),
    (used(700, slab_reclaimable=300), []),                   # the kernel can give that back
    (used(480, slab_reclaimable=540), ["kernel_memory"]),    # so much that it evidently does not
    (used(750), []), (used(700), ["unaccounted"]),
    (used(300, slab_unreclaimable=300), ["unaccounted", "kernel_memory"])])
def test_a_quarter_held_by_the_kernel_and_a_third_held_by_nobody_is_much(one: Event, found: list[str]) -> None:
    assert kinds(one) == found


def test_a_quarter_in_huge_pages_is_much() -> None:
    def pool(pages: int) -> Event:
        return event(hugepages=(HugePages(0, pages, 0, 2 * MIB),), meminfo={
            "free": 4096, "active_anon": GIB - pages * 2 * MIB, "inactive_anon": 0})
    assert kinds(pool(128)) == ["hugepages"]
    assert kinds(pool(127)) == []


def test_of_nothing_there_are_no_shares() -> None:
    assert holds(event(), count(event()), 0) == []


def test_the_largest_slabs_come_first_and_hostile_names_are_escaped() -> None:
    slabs = (*(Slab(f"s{size}", size * KIB, size * KIB) for size in (1, 9, 5, 7)), Slab("\x1b", 0, 8 * KIB))
    assert slab_words(slabs) == "s9 9 kB, \\x1b 8 kB, s7 7 kB"

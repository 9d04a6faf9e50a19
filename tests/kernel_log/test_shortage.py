"""Shortages of control groups, kills by hand, and those by programs."""

from __future__ import annotations

from tests.kernel_log.made import GIB, KIB, MIB, event
from watchdog_oom.kernel_log.model import ControlGroup, GroupCounter, GroupStats, KillReason
from watchdog_oom.kernel_log.shortage import (
    Short,
    by_user_space,
    nothing,
    of_control_group,
    reached_limit,
    swap_kind,
    swap_words,
)

UNLIMITED = 18014398509481983 * KIB


def group(*limits: GroupCounter, **counters: int) -> ControlGroup:
    return ControlGroup("/shop", "/shop/web", limits, (GroupStats("/shop", counters),))


def told(one: ControlGroup | None) -> tuple[list[str], str]:
    found = of_control_group(event(constraint="memcg", cgroup=one, zones=()))
    return [str(shortage.kind) for shortage in found], found[0].evidence


def test_the_limit_that_was_reached_is_told_with_its_owner_and_its_numbers() -> None:
    one = group(GroupCounter("memory", 100 * MIB, 100 * MIB, 6402), GroupCounter("swap", 0, UNLIMITED, 0))
    assert told(one) == (["cgroup_limit"],
                         "the limit of /shop was reached: memory 102,400 kB of limit 102,400 kB, 6,402 times")


def test_no_limit_is_never_the_one_that_was_reached() -> None:
    one = group(GroupCounter("memory", 50 * MIB, UNLIMITED), GroupCounter("memory+swap", 100 * MIB, 100 * MIB))
    reached = reached_limit(one)
    assert reached is not None
    assert reached.name == "memory+swap"


def test_a_full_swap_limit_and_one_of_nothing_are_told() -> None:
    full = GroupCounter("memory", MIB, MIB)
    assert told(group(full, GroupCounter("memory+swap", MIB, MIB)))[1].endswith("so swap could not help")
    assert told(group(full, GroupCounter("swap", 0, 0)))[1].endswith("it may not use swap")


def test_free_memory_of_the_host_is_told_where_the_kernel_reports_it_for_a_group() -> None:
    one = event(constraint="memcg", cgroup=group(GroupCounter("memory", MIB, MIB)))
    assert of_control_group(one)[0].evidence.endswith("the host itself had 3,000 kB free")


def test_a_limit_without_its_numbers_is_a_limit_all_the_same() -> None:
    assert told(None)[0] == ["cgroup_limit"]
    assert told(ControlGroup("/docker/2e08"))[1] == ("the limit of /docker/2e08 was reached; the lines with its size "
                                                    "are missing")
    assert told(ControlGroup("/", None, (GroupCounter("memory", 1, 9),)))[1].startswith(
        "a limit of the root of its control groups was reached")


def test_a_hostile_path_is_escaped() -> None:
    assert "\x1b" not in told(ControlGroup("/a\x1b[2J", None, (GroupCounter("memory", MIB, MIB),)))[1]


def test_kernel_memory_that_fills_a_group_is_told() -> None:
    full = GroupCounter("memory", 100 * MIB, 100 * MIB)
    assert told(group(full, slab=60 * MIB, anon=30 * MIB))[0] == ["cgroup_limit", "kernel_memory"]
    assert told(group(full, slab=40 * MIB, anon=50 * MIB))[0] == ["cgroup_limit"]
    assert told(group(full, GroupCounter("kmem", 70 * MIB, UNLIMITED)))[0] == ["cgroup_limit", "kernel_memory"]


def test_a_kill_by_hand_says_so_with_what_was_free() -> None:
    assert nothing(event())[0].evidence == "it was asked for by hand (SysRq f); 3,000 kB were free"
    assert "panic_on_oom made it a panic" in nothing(event(panic=True, meminfo={}))[0].evidence


def test_a_program_that_acted_is_told_with_the_numbers_that_it_gave() -> None:
    def found(**told: object) -> list[str]:
        pressure = KillReason("earlyoom", "low memory!", **told)  # type: ignore[arg-type]
        return [str(one.kind) for one in by_user_space(event(constraint="userspace", pressure=pressure))]
    assert found(memory_available_percent=0.52, swap_free_percent=39.8, swap_total_bytes=GIB) \
        == ["ram_and_swap", "pressure"]
    assert found(memory_available_percent=5.0, swap_total_bytes=0) == ["ram_no_swap", "pressure"]
    assert found(pressure_percent=62.3, memory_available_percent=30.0) == ["pressure"]
    assert found() == ["pressure"]
    assert [one.kind for one in by_user_space(event(constraint="userspace"))] == [Short.PRESSURE]


def test_kernels_that_tell_no_total_of_swap_are_judged_by_their_swap_cache() -> None:
    def early(free: int, cache: int | None) -> object:
        return swap_kind(event(swap=None, swap_free_bytes=free, swap_cache_bytes=cache))
    assert early(0, 4096) is Short.RAM_AND_SWAP
    assert early(0, 0) is Short.RAM_NO_SWAP
    assert early(GIB, 4096) is None
    assert swap_words(event(swap=None, swap_free_bytes=0)) == "0 kB of swap are free"

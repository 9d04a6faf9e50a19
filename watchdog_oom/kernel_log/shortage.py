"""What was short: judged from the numbers of one event, each answer with its evidence, the strongest first."""

from __future__ import annotations

from enum import StrEnum

from watchdog_oom import formatting
from watchdog_oom.formatting import printable
from watchdog_oom.kernel_log.model import ControlGroup, Event, GroupCounter
from watchdog_oom.kernel_log.zone_room import kilobytes
from watchdog_oom.lean_dataclasses import dataclass

_MOSTLY_KERNEL = 0.5
_SWAP_GONE = 0.1  # of all swap: with less free the kernel finds hardly anything that it can still move there
_REACHED = 0.99
_OF_THE_KERNEL = ("kernel", "slab", "slab_unreclaimable", "kernel_stack", "pagetables", "sock", "percpu", "vmalloc")


class Short(StrEnum):
    """The words of ``short`` in the JSON document; docs/diagnose.md explains each."""

    RAM_AND_SWAP = "ram_and_swap"
    RAM_NO_SWAP = "ram_no_swap"
    CGROUP_LIMIT = "cgroup_limit"
    LOWMEM = "lowmem"
    FRAGMENTATION = "fragmentation"
    CMA = "cma"
    KERNEL_MEMORY = "kernel_memory"
    HUGEPAGES = "hugepages"
    UNACCOUNTED = "unaccounted"
    NODE = "node"
    NOTHING = "nothing"
    PRESSURE = "pressure"
    NOT_TO_BE_TOLD = "not_to_be_told"


@dataclass(frozen=True, slots=True)
class Shortage:
    """One thing that was short, and the numbers that show it."""

    kind: Short
    evidence: str


def by_hand(event: Event) -> bool:
    """Whether somebody asked for the kill (SysRq f, echo f > /proc/sysrq-trigger): the kernel writes order −1 since
    3.x, and in any case what it was asked to do."""
    return event.sysrq or (event.invoker is not None and event.invoker.order == -1)


def nothing(event: Event) -> tuple[Shortage, ...]:
    """A kill that was asked for; with what was free at the time, where that is told."""
    free = event.meminfo.get("free")
    told = "" if free is None else f"; {kilobytes(free)} were free"
    panic = " and panic_on_oom made it a panic" if event.panic else ""
    return (Shortage(Short.NOTHING, f"it was asked for by hand (SysRq f){panic}{told}"),)


def of_control_group(event: Event) -> tuple[Shortage, ...]:
    """A limit was reached: whose, which, and whether the kernel's own memory in it was the most of it."""
    group = event.cgroup
    if group is None or not group.limits:
        path = f" of {_place(group)}" if group is not None and group.path else ""
        return (Shortage(Short.CGROUP_LIMIT, f"the limit{path} was reached; the lines with its size are missing"),)
    reached = reached_limit(group)
    if reached is None:
        told = ", ".join(_limit_words(limit) for limit in group.limits)
        found = Shortage(Short.CGROUP_LIMIT, f"a limit of {_place(group)} was reached: {told}")
    else:
        found = Shortage(Short.CGROUP_LIMIT, f"the limit of {_place(group)} was reached: {_limit_words(reached)}"
                                             f"{_other_limits(group, reached)}{_host_free(event)}")
    kernel = _kernel_share(group)
    return (found,) if kernel is None else (found, kernel)


def reached_limit(group: ControlGroup) -> GroupCounter | None:
    """The limit that was hit: the one whose use is at it, ``memory`` before the others."""
    return next((limit for limit in sorted(group.limits, key=lambda limit: limit.name != "memory")
                 if not limit.unlimited and limit.usage_bytes >= _REACHED * limit.limit_bytes), None)


def _limit_words(limit: GroupCounter) -> str:
    failed = f", {limit.failcnt:,} times" if limit.failcnt else ""
    most = "no limit" if limit.unlimited else f"limit {kilobytes(limit.limit_bytes)}"
    return f"{limit.name} {kilobytes(limit.usage_bytes)} of {most}{failed}"


def _other_limits(group: ControlGroup, reached: GroupCounter) -> str:
    swap = group.limit("swap") or group.limit("memory+swap")
    if swap is None or swap is reached or swap.unlimited:
        return ""
    if swap.limit_bytes == 0:
        return "; it may not use swap"
    full = "" if swap.usage_bytes < _REACHED * swap.limit_bytes else "; so swap could not help"
    return f"; {_limit_words(swap)}{full}"


def _host_free(event: Event) -> str:
    """Kernels before 3.8 report the host's memory as well; who reads it takes it for the shortage."""
    free = event.meminfo.get("free")
    return "" if free is None or not event.zones else f"; the host itself had {kilobytes(free)} free"


def _place(group: ControlGroup | None) -> str:
    if group is None or group.path is None:
        return "a control group"
    return "the root of its control groups" if group.path == "/" else printable(group.path)


def _kernel_share(group: ControlGroup) -> Shortage | None:
    """Kernel memory charged to the group, where it is at least half of what the group used."""
    memory = group.limit("memory")
    if memory is None or not memory.usage_bytes:
        return None
    kmem = group.limit("kmem")
    counters = next((stats.counters for stats in group.stats if stats.path in (None, group.path)), {})
    counted = {name: counters[name] for name in _OF_THE_KERNEL if counters.get(name)}
    held = counted.get("kernel") or sum(counted[name] for name in counted if name != "slab_unreclaimable")
    held = max(held, kmem.usage_bytes if kmem is not None else 0)
    if held < _MOSTLY_KERNEL * memory.usage_bytes:
        return None
    largest = "".join(f", {name} {kilobytes(amount)}" for name, amount
                      in sorted(counted.items(), key=lambda item: -item[1])[:3] if name != "kernel")
    return Shortage(Short.KERNEL_MEMORY, f"the kernel itself holds {kilobytes(held)} of it for this group{largest}")


def by_user_space(event: Event) -> tuple[Shortage, ...]:
    """A program outside of the kernel acted, on limits of its own, before the kernel had to."""
    told = event.pressure
    if told is None:
        return (Shortage(Short.PRESSURE, "a program outside of the kernel acted; its lines give no numbers"),)
    reason = Shortage(Short.PRESSURE, f"{told.by} acted before the kernel had to: {printable(told.words)}"
                      if told.words else f"{told.by} acted before the kernel had to")
    if told.pressure_percent is not None or told.memory_available_percent is None:
        return (reason,)
    free = f"{formatting.percent(told.memory_available_percent)} of RAM was available"
    without_swap = told.swap_total_bytes == 0 or told.swap_free_percent is None
    if without_swap:
        return (Shortage(Short.RAM_NO_SWAP, f"{free}, and no swap is told of"), reason)
    return (Shortage(Short.RAM_AND_SWAP, f"{free}, {formatting.percent(told.swap_free_percent or 0)} of swap was free"),
            reason)


def swap_kind(event: Event) -> Short | None:
    """Whether swap was there and used up. ``None``: not told, or it had room."""
    if event.swap_total_bytes:
        return None if swap_has_room(event) else Short.RAM_AND_SWAP
    if event.swap_free_bytes is not None and event.swap_total_bytes is None:  # kernels before 2.6.10 tell no total
        if event.swap_free_bytes > 0:
            return None
        return Short.RAM_NO_SWAP if event.swap_cache_bytes == 0 else Short.RAM_AND_SWAP
    if event.swap_total_bytes == 0 or "ram" in event.parts:  # a kernel without swap writes no line about it
        return Short.RAM_NO_SWAP
    if event.tasks and all(task.swap_bytes is not None for task in event.tasks):
        return Short.RAM_AND_SWAP if any(task.swap_bytes for task in event.tasks) else Short.RAM_NO_SWAP
    return None


def swap_has_room(event: Event) -> bool:
    """Whether pages could still have been moved to swap."""
    free = event.swap_free_bytes or 0
    return free > 0 and free >= _SWAP_GONE * (event.swap_total_bytes or 0)


def swap_words(event: Event) -> str:
    """``; 0 kB of 1,023,996 kB swap are free``."""
    if event.swap_total_bytes:
        return f"{kilobytes(event.swap_free_bytes)} of {kilobytes(event.swap_total_bytes)} swap are free"
    if event.swap_total_bytes is None and event.swap_free_bytes is not None:
        return f"{kilobytes(event.swap_free_bytes)} of swap are free"
    return "there is no swap" if event.swap_total_bytes == 0 or "ram" in event.parts else "swap is not told"

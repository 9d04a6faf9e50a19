"""What a report says of memory: the host's zones and nodes, control groups and their limits, tasks. Sizes in bytes."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.lean_dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GroupCounter:
    """One counter of a control group: ``name`` is ``memory``, ``memory+swap``, ``swap``, ``kmem``. No limit is a
    huge number (:attr:`unlimited`)."""

    name: str
    usage_bytes: int
    limit_bytes: int
    failcnt: int | None = None

    @property
    def unlimited(self) -> bool:
        """9223372036854775807 in bytes, less a page, whichever way a kernel rounds it to kB."""
        return self.limit_bytes >= 1 << 60


@dataclass(frozen=True, slots=True)
class GroupStats:
    """``Memory cgroup stats for PATH``: counters by their names (``anon``, ``rss``, ``cache``, ``swap`` …). Those that
    count bytes are in bytes, whatever the kernel's unit; events (``pgfault``) are numbers."""

    path: str | None
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """The control group whose limit was hit (``path``) and the one of the victim's (``task_path``), which is it or
    lies below it. ``version`` 2 has no memory+swap counter."""

    path: str | None
    task_path: str | None = None
    limits: tuple[GroupCounter, ...] = ()
    stats: tuple[GroupStats, ...] = ()
    version: int | None = None

    def limit(self, name: str) -> GroupCounter | None:
        """The counter of this name."""
        return next((limit for limit in self.limits if limit.name == name), None)


@dataclass(frozen=True, slots=True)
class FreeBlocks:
    """One entry of a buddy list, ``3*64kB (UME)``. ``types``: U unmovable, M movable, E reclaimable, C CMA,
    H highatomic, I isolated, R reserve; empty where the kernel does not say."""

    order: int
    count: int
    block_bytes: int
    types: str = ""


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone of memory. ``node`` is ``None`` where the kernel writes none (before 2.6.16). ``counters``: every
    ``name:NNkB`` of the line in bytes (also those that have a field here). ``lowmem_reserve_pages``: what is kept from
    requests that could use the zone of that index. ``free_lists`` is empty where the line is missing."""

    node: int | None
    name: str
    free_bytes: int | None = None
    min_bytes: int | None = None
    low_bytes: int | None = None
    high_bytes: int | None = None
    present_bytes: int | None = None
    managed_bytes: int | None = None
    free_cma_bytes: int | None = None
    all_unreclaimable: bool | None = None
    counters: Mapping[str, int] = field(default_factory=dict)
    lowmem_reserve_pages: tuple[int, ...] = ()
    free_lists: tuple[FreeBlocks, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """One NUMA node's own counters in bytes (``Node 0 active_anon:…kB``, since 4.8)."""

    number: int
    counters: Mapping[str, int]
    all_unreclaimable: bool | None = None


@dataclass(frozen=True, slots=True)
class HugePages:
    node: int | None
    total: int
    free: int
    page_bytes: int
    surplus: int | None = None
    reserved: int | None = None


@dataclass(frozen=True, slots=True)
class Slab:
    """One row of ``Unreclaimable slab info`` (since 4.15)."""

    name: str
    used_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Task:
    """One row of the task dump. ``pid`` is the process; with ``tgid`` where the kernel prints both. Swap before 3.4 is
    not told. ``rss_bytes`` is the sum where the row splits it."""

    pid: int
    comm: str
    uid: int | None = None
    tgid: int | None = None
    total_vm_bytes: int | None = None
    rss_bytes: int | None = None
    anon_rss_bytes: int | None = None
    file_rss_bytes: int | None = None
    shmem_rss_bytes: int | None = None
    swap_bytes: int | None = None
    pgtables_bytes: int | None = None
    oom_score_adj: int | None = None
    oom_adj: int | None = None

"""One event of memory running out, as the log tells it: sizes in bytes, ``None`` or empty where no line says it.

Nothing here is judged. A line that is missing leaves its fact unknown, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from watchdog_oom.kernel_log.readings import (
    ControlGroup,
    FreeBlocks,
    GroupCounter,
    GroupStats,
    HugePages,
    Node,
    Slab,
    Task,
    Zone,
)
from watchdog_oom.lean_dataclasses import dataclass, field

__all__ = ["Chosen", "Clock", "Constraint", "ControlGroup", "Event", "FailedAllocation", "FreeBlocks", "GroupCounter",
           "GroupStats", "HugePages", "Invoker", "Kill", "KillReason", "Node", "Reaped", "Slab", "Stamp", "Summary",
           "Task", "Zone"]

Constraint = Literal["none", "memcg", "cpuset", "mempolicy", "panic", "userspace"]
Clock = Literal["unix", "yearless", "boot"]


@dataclass(frozen=True, slots=True)
class Stamp:
    """The time of a line. ``text`` is how the log writes it. ``seconds`` can be compared within one clock: Unix time,
    seconds since the beginning of a year that is not named (local time), or seconds since boot; ``None`` where the
    words are of a language that is not known."""

    text: str
    seconds: float | None
    clock: Clock


@dataclass(frozen=True, slots=True)
class Invoker:
    """Who asked for memory. ``order``: 2 to this power of pages; −1 is SysRq. ``gfp_names`` are the kernel's own
    words ("GFP_KERNEL|__GFP_COMP"), only since 4.6. ``pid`` is that of the ``CPU: … PID: …`` line."""

    comm: str | None
    pid: int | None = None
    order: int | None = None
    gfp_mask: int | None = None
    gfp_names: str | None = None
    oom_score_adj: int | None = None
    oom_adj: int | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """``Kill process N (comm) score S or sacrifice child``: before 4.19 the choice, which may not be whom it killed."""

    pid: int
    comm: str
    score: int | None
    cgroup: bool
    time: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Kill:
    """One line of a kill. ``pid`` is ``None`` in 2.4's ``VM: killing process``. ``words`` is the beginning of the
    line ("Out of memory"), or who did it ("earlyoom"). ``from_summary``: only the ``oom-kill:`` line says it, the kill
    line is missing. ``again``: the same pid was told before in this event (oom.group does that). ``in_same_mm``: killed
    because it shares the victim's memory. ``group``: a victim of memory.oom.group. ``rss_bytes``: only where the line
    does not split it (killers in user space)."""

    pid: int | None
    comm: str
    uid: int | None = None
    total_vm_bytes: int | None = None
    anon_rss_bytes: int | None = None
    file_rss_bytes: int | None = None
    shmem_rss_bytes: int | None = None
    rss_bytes: int | None = None
    pgtables_bytes: int | None = None
    oom_score_adj: int | None = None
    oom_adj: int | None = None
    time: Stamp | None = None
    words: str = ""
    cgroup: bool = False
    from_summary: bool = False
    again: bool = False
    in_same_mm: bool = False
    group: bool = False
    control_group: str | None = None
    signal: str = "SIGKILL"


@dataclass(frozen=True, slots=True)
class Reaped:
    """``oom_reaper: reaped process``: what was still held after its memory was taken back. ``unable``: it could not."""

    pid: int
    comm: str
    anon_rss_bytes: int | None = None
    file_rss_bytes: int | None = None
    shmem_rss_bytes: int | None = None
    unable: bool = False
    time: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The line ``oom-kill:constraint=…`` (since 5.0), as it stands."""

    constraint: str
    nodemask: str | None
    cpuset: str | None
    mems_allowed: str | None
    global_oom: bool
    oom_memcg: str | None
    task_memcg: str | None
    task: str | None
    pid: int | None
    uid: int | None
    time: Stamp | None = None


@dataclass(frozen=True, slots=True)
class FailedAllocation:
    """``page allocation failure`` (2.6 to today) or 2.4's ``__alloc_pages: 0-order allocation failed``."""

    comm: str | None
    order: int
    gfp_mask: int | None
    time: Stamp | None = None


@dataclass(frozen=True, slots=True)
class KillReason:
    """What a killer in user space said of its reason: systemd-oomd, earlyoom, nohang. Shares in percent."""

    by: Literal["systemd-oomd", "earlyoom", "nohang"]
    words: str
    memory_available_percent: float | None = None
    swap_free_percent: float | None = None
    pressure_percent: float | None = None
    memory_total_bytes: int | None = None
    swap_total_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One event: from the invoker's line to the last kill, or what is left of that.

    ``parts``: what the log has of it: ``invoker``, ``trace``, ``cgroup``, ``meminfo``, ``zones``, ``free_lists``,
    ``swap``, ``ram``, ``tasks``, ``summary``, ``chosen``, ``kill``. ``missing``: those which that kernel prints and
    this log has not (``tasks`` is missing also where oom_dump_tasks = 0: ``notes`` say what is known).
    ``constraint``: ``None`` where the lines that are left do not tell whether a control group's limit was hit.
    ``meminfo``: the global counters (``active_anon``, ``slab_unreclaimable``, ``free``, ``pagetables`` …) in bytes.
    ``reports``: how many Mem-Info reports were joined (2.6 may print one for each kill): the last stands.
    """

    time: Stamp | None
    constraint: Constraint | None
    first_line: int
    last_line: int
    kernel: str | None = None
    invoker: Invoker | None = None
    cgroup: ControlGroup | None = None
    summary: Summary | None = None
    cpuset: str | None = None
    mems_allowed: str | None = None
    nodemask: str | None = None
    page_bytes: int = 4096
    page_bytes_proven: bool = False
    meminfo: Mapping[str, int] = field(default_factory=dict)
    zones: tuple[Zone, ...] = ()
    nodes: tuple[Node, ...] = ()
    hugepages: tuple[HugePages, ...] = ()
    slabs: tuple[Slab, ...] = ()
    ram_bytes: int | None = None
    reserved_bytes: int | None = None
    highmem_bytes: int | None = None
    cma_reserved_bytes: int | None = None
    hwpoisoned_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_free_bytes: int | None = None
    swap_cache_bytes: int | None = None
    tasks: tuple[Task, ...] = ()
    tasks_omitted: int = 0
    chosen: tuple[Chosen, ...] = ()
    kills: tuple[Kill, ...] = ()
    reaped: tuple[Reaped, ...] = ()
    failed_allocations: tuple[FailedAllocation, ...] = ()
    pressure: KillReason | None = None
    trace: tuple[str, ...] = ()
    sysrq: bool = False
    panic: bool = False
    panic_words: str | None = None
    no_killable: bool = False
    oom_group: str | None = None
    reports: int = 0
    suppressed_lines: int = 0
    parts: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all that the kernel printed is here."""
        return not self.missing

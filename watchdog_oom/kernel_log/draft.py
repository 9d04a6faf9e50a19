"""A report while it is read: numbers as the lines have them, pages still pages."""

from __future__ import annotations

from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.model import (
    Chosen,
    FailedAllocation,
    FreeBlocks,
    GroupCounter,
    GroupStats,
    HugePages,
    Invoker,
    Kill,
    KillReason,
    Node,
    Reaped,
    Slab,
    Stamp,
    Summary,
)
from watchdog_oom.lean_dataclasses import dataclass, field


@dataclass(slots=True)
class ZoneDraft:
    """The lines of one zone; ``counters`` in bytes, except those in ``pages`` (2.4)."""

    node: int | None
    name: str
    counters: dict[str, int] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)
    all_unreclaimable: bool | None = None
    lowmem_reserve: tuple[int, ...] = ()
    free_lists: tuple[FreeBlocks, ...] = ()


@dataclass(slots=True)
class Row:
    """A row of the task dump: the numbers by the names of their columns, in pages but for ``pgtables_bytes``."""

    pid: int
    comm: str
    numbers: dict[str, int]


@dataclass(slots=True)
class Draft:
    """What the lines of one report said so far, and where it stands: ``phase`` (see ``assembly``)."""

    first: Line
    last: Line
    phase: int = 0
    boot: float | None = None
    caller: str = ""
    kernel: str | None = None
    kernel_told: bool = False  # by a line of this report, not by an earlier one of that host
    invoker: Invoker | None = None
    process: Invoker | None = None
    cpuset: str | None = None
    mems_allowed: str | None = None
    nodemask: str | None = None
    trace: list[str] = field(default_factory=list)
    failed: list[FailedAllocation] = field(default_factory=list)
    other_cause: bool = False
    limit_of: str | None = None
    task_group: str | None = None
    limits: list[GroupCounter] = field(default_factory=list)
    stats: list[GroupStats] = field(default_factory=list)
    open_stats: dict[str, int] | None = None
    meminfo_lines: int = 0
    pages: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    zones: dict[tuple[int | None, str], ZoneDraft] = field(default_factory=dict)
    last_zone: ZoneDraft | None = None
    nodes: list[Node] = field(default_factory=list)
    huge: list[HugePages] = field(default_factory=list)
    slabs: list[Slab] = field(default_factory=list)
    in_slabs: bool = False
    columns: tuple[str, ...] = ()
    columns_seen: bool = False
    rows: list[Row] = field(default_factory=list)
    rows_omitted: int = 0
    rows_cut: int = 0  # of a table whose right side is missing
    row_cut: bool = False  # the last line was one; at the end of a log it is no row
    summary: Summary | None = None
    chosen: list[Chosen] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    reaped: list[Reaped] = field(default_factory=list)
    group_kill: str | None = None
    sysrq: bool = False
    no_killable: bool = False
    panic: str | None = None
    suppressed: int = 0
    words: set[str] = field(default_factory=set)
    pressure: KillReason | None = None

    @property
    def stamp(self) -> Stamp | None:
        return self.first.stamp

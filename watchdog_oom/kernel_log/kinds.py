"""What kind of line of an OOM report a text is, for every kernel since 2.4."""

from __future__ import annotations

import re

_ZONE = r"(?:Node \d+,? )?(?:DMA|DMA32|Normal|HighMem|Movable|Device)\b"

# In the order in which they are tried. Names of processes stand in some: they are held short, and never searched for.
_KINDS = {
    "invoker": r"(?:.{1,64}? )?invoked(?: oom-killer\b|$)|oom-killer: ?gfp_mask|oom-killer: ?$",
    "failed": r"__alloc_pages: \d+-order|.{1,64}?: page allocation failure[.:] ?order:",
    "killed": r"(?:Out of [Mm]emory|Memory cgroup out of memory)[^:]{0,40}: ?(?:Killed(?: process|$)|$)"
              r"|Killed process \d"
              r"|VM: killing process|(?:Kill process \d+ \(.{0,16}\)|Task .{0,40}) sharing same memory",
    "chosen": r"(?:Out of [Mm]emory|Memory cgroup out of memory)[^:]{0,40}: [Kk]ill(?: process|$)"
              r"|No available memory (?:in cpuset|\(MPOL_BIND\)): kill process",
    "summary": r"oom-kill:constraint=",
    "reaped": r"oom_reaper: ",
    "group_kill": r"Tasks in /",
    "no_killable": r"(?:Out of memory|Memory cgroup out of memory) and no\b",
    "panic": r"Kernel panic - not syncing:",
    "sysrq": r"(?:sysrq: )?(?:SysRq ?: )?Manual OOM execution",
    "other_cause": r"(?:sysrq: )?(?:SysRq ?: )?Show Memory",
    "cpuset": r".{1,64}? cpuset=.* mems_allowed=",
    "process": r"CPU: ?\d+ (?:UID: ?\d+ )?PID: ?\d|Pid: ?\d+, comm: ",
    "hardware": r"Hardware name: |Call Trace:|Call trace:|Backtrace:|</?TASK>|</?IRQ>|Workqueue: ",
    "limit_of": r"Task in .*(?:killed|limit of)|Task in /",
    "limit": r"(?:memory|memory\+swap|swap|kmem): ?usage \d+ ?k[bB]",
    "group_stats": r"Memory cgroup stats\b",
    "meminfo": r"Mem-[Ii]nfo:",
    "per_cpu": rf"{_ZONE} per-cpu:|CPU *\d+: hi:|cpu \d+ (?:hot|cold):",
    "node": r"Node \d+ (?:active_anon|inactive_anon|active_file):",
    "zone": rf"{_ZONE} (?:free|boost):|Zone:\w+ freepages:",
    "free_list": rf"{_ZONE}: (?:\d+\*\d|empty)",
    "reserve": r"(?:lowmem_reserve|protections)\[\]:",
    "huge": r"Node \d+ hugepages_total=|hugepages_total=|Node \d+ HugePages",
    "swap": r"(?:Free|Total) swap ?[:=] *\d|(?:Free|Total) swap  *= *\d|Free pages:|Swap cache",
    "total": r"\d+ (?:pages (?:of )?(?:RAM|HIGHMEM|HighMem)|reserved pages|pages (?:reserved|cma reserved|hwpoisoned"
             r"|swap cached|in swap cache|shared|non-shared|slab|pagetables|mapped|dirty|writeback)|(?:free|slab) pages"
             r"|(?:total )?pagecache pages)",
    "slabs": r"Unreclaimable slab info:|Name +Used +Total",
    "tasks": r"Tasks state \(memory values in pages\)",
    "columns": r"\[ *pid *\] +uid +tgid ",
    "task": r"\[ *\d{1,10}\] +\d+ +\d+ +\d+ ",
    "counters": r"(?=.{0,100}?\b(?:active|active_anon|active_file|unevictable|slab|slab_reclaimable|pagetables|free"
                r"|bounce|sec_pagetables|kernel_misc_reclaimable|free_pcp|free_cma|Active|shmem): ?\d)"
                r"(?:\d{1,12} |\( )?(?:[\w()]{2,30}: ?\d+(?:/\d+)?(?:,? +|$|\)))+\)?$",
    "slab": r"\S.{0,40}? +\d+KB +\d+KB$",
    "trace": r"(?:\[<?[0-9a-f]{4,16}>?\] )*(?:\? )?\(?[A-Za-z_][\w.]*(?:\+0x[0-9a-f]+/0x[0-9a-f]+| \(\S+\.[chS]:\d+"
             r"| from [\w.]+\+0x)",
    "group_stat": r"[a-z_]{2,40} \d{1,20}$",
    "counter": r"(?:[a-z_]{3,30}:\d{1,18}(?: |$))+$",  # a counter of a kernel to come
}
_ANY = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _KINDS.items()))
# These may be anybody's lines: alone they say nothing, and they do not tell a prefix from a text.
VAGUE = frozenset({"hardware", "process", "trace", "group_stat", "slab", "per_cpu", "failed", "counter"})


def kind_of(text: str) -> str | None:
    """The kind of the line, ``None``: of no report."""
    found = _ANY.match(text)
    return found.lastgroup if found else None


def looks_like_report(text: str) -> bool:
    """Whether the text itself is a line of a report, so that no prefix is left to take off."""
    kind = kind_of(text)
    return kind is not None and kind not in ("invoker", "failed", "cpuset", "group_stat", "slab", "trace", "counter")

"""What kind of line of an OOM report a text is, for every kernel since 2.4."""

from __future__ import annotations

import re
from functools import lru_cache

_ZONE = r"(?:Node \d+,? )?(?:DMA|DMA32|Normal|HighMem|Movable|Device)\b"

# With the name of a process in front: tried only where the words are in the line.
_NAMED = {
    "invoker": (("invoked", "oom-killer"),
                r"(?:.{1,64}? )?invoked(?: oom-killer\b|(?: o[om]{0,2}(?:-[kiler]*)?)?$)|oom-killer: ?(?:gfp_mask|$)"),
    "failed": (("alloc",), r"__alloc_pages: \d+-order|.{1,64}?: page allocation failure[.:] ?order:"),
    "cpuset": (("cpuset=",), r".{1,64}? cpuset=\S"),
}
_BRACKETED = {
    "task": r"\[ *\d{1,10}\] +\d+ +\d+ +\d+ ",
    "columns": r"\[ *pid *\] +uid +tgid ",
    "trace": r"(?:\[<?[0-9a-f]{4,16}>?\] )+(?:\? )?\(?[A-Za-z_][\w.]*(?:\+0x[0-9a-f]+/0x[0-9a-f]+|\) from )",
}
# In the order in which they are tried.
_KINDS = {
    "killed": r"(?:Out of [Mm]emory|Memory cgroup out of memory)[^:]{0,40}: ?(?:(?:OOM k|K)illed(?: p|$)|OOM$|$)"
              r"|Killed process \d"
              r"|VM: killing process|(?:Kill process \d+ \(.{0,16}\)|Task .{0,40}) sharing same memory",
    "chosen": r"(?:Out of [Mm]emory|Memory cgroup out of memory)[^:]{0,40}: [Kk]ill(?: p|$)"
              r"|No available memory (?:in cpuset|\(MPOL_BIND\)): kill process",
    "summary": r"oom-kill:constraint=",
    "reaped": r"oom_reaper: ",
    "group_kill": r"Tasks in(?: /|$)",
    "no_killable": r"(?:Out of memory|Memory cgroup out of memory) and no\b",
    "panic": r"Kernel panic - not syncing:",
    "sysrq": r"(?:sysrq: )?(?:SysRq ?: )?Manual OOM execution",
    "other_cause": r"(?:sysrq: )?(?:SysRq ?: )?Show Memory",
    "process": r"CPU: ?\d+ (?:UID: ?\d+ )?PID: ?\d|Pid: ?\d+, comm: ",
    "hardware": r"Hardware name: |Call Trace:|Call trace:|Backtrace:|</?TASK>|</?IRQ>|Workqueue: ",
    "limit_of": r"Task in(?: /|$)",
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
    "suppressed": r"\*\* \d+ printk messages dropped|(?:\w+: )?\d+ (?:messages|callbacks) suppressed",
    "slabs": r"Unreclaimable slab info:|Name +Used +Total",
    "tasks": r"Tasks state \(memory values in pages\)",
    "counters": r"(?:\d{1,12} |\( )?(?:[A-Za-z_()-]{2,30}: ?\d{1,18}(?:/\d+)?(?:,? +|$|\)))+\)?$",
    "slab": r"\S.{0,40}? +\d+KB +\d+KB$",
    "trace": r"(?:\? )?\(?[A-Za-z_][\w.]*(?:\+0x[0-9a-f]+/0x[0-9a-f]+| \(\S+\.[chS]:\d+"
             r"| from [\w.]+\+0x)",
    "group_stat": r"[a-z_]{2,40} \d{1,20}$",
}
_COUNTERS = re.compile(r"\b(?:active|active_anon|active_file|unevictable|slab|slab_reclaimable|pagetables|free|bounce"
                       r"|sec_pagetables|kernel_misc_reclaimable|free_pcp|free_cma|Active|shmem): ?\d")


def _any_of(kinds: dict[str, str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in kinds.items()))


_ANY, _ANY_BRACKETED = _any_of(_KINDS), _any_of(_BRACKETED)
_ANY_NAMED = [(word, re.compile(pattern), name) for name, (words, pattern) in _NAMED.items() for word in words]
# These may be anybody's lines: alone they say nothing, and they do not tell a prefix from a text. ``counter`` is one of
# a kernel to come.
VAGUE = frozenset({"hardware", "process", "trace", "group_stat", "slab", "per_cpu", "failed", "counter", "suppressed"})
_NO_PREFIX_BEFORE = VAGUE - {"hardware", "process", "per_cpu"} | {"invoker", "cpuset"}


@lru_cache(maxsize=64)  # it is asked for when the prefix is taken off, for wrapped lines, and for the report
def kind_of(text: str) -> str | None:
    """The kind of the line, ``None``: of no report."""
    for word, pattern, name in _ANY_NAMED:
        if word in text and pattern.match(text):
            return name
    found = (_ANY_BRACKETED if text[:1] == "[" else _ANY).match(text)
    if found is None or found.lastgroup != "counters":
        return found.lastgroup if found else None
    return "counters" if _COUNTERS.search(text) else "counter" if text.islower() else None


def looks_like_report(text: str) -> bool:
    """Whether the text itself is a line of a report, so that no prefix is left to take off."""
    kind = kind_of(text)
    return kind is not None and kind not in _NO_PREFIX_BEFORE

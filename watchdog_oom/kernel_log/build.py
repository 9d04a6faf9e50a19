"""From a draft to an event: pages become bytes, and what is missing is named."""

from __future__ import annotations

from watchdog_oom.kernel_log.draft import Draft, ZoneDraft
from watchdog_oom.kernel_log.model import Constraint, ControlGroup, Event, Invoker, Kill, Zone
from watchdog_oom.kernel_log.notes import notes_on
from watchdog_oom.kernel_log.page_size import page_bytes
from watchdog_oom.kernel_log.tasks import task_of

_TOTALS = ("ram", "reserved", "highmem", "cma_reserved", "hwpoisoned", "swap_cache")
_CONSTRAINTS: dict[str, Constraint] = {
    "CONSTRAINT_NONE": "none", "CONSTRAINT_MEMCG": "memcg", "CONSTRAINT_CPUSET": "cpuset",
    "CONSTRAINT_MEMORY_POLICY": "mempolicy"}
_GROUP_TRACE = frozenset({"mem_cgroup_out_of_memory", "mem_cgroup_oom_synchronize", "mem_cgroup_handle_oom"})
_OOM_TRACE = frozenset({"dump_header", "oom_kill_process", "out_of_memory"})


def event_of(draft: Draft) -> Event | None:
    """The event, or ``None``: the lines are of something else, as memory shown by hand."""
    if not _is_oom(draft):
        return None
    page, proven = page_bytes(draft)
    summary = draft.summary
    parts = _parts(draft)
    return Event(
        time=draft.stamp, constraint=_constraint(draft), first_line=draft.first.number, last_line=draft.last.number,
        kernel=draft.kernel, invoker=_invoker(draft), cgroup=_control_group(draft), summary=summary,
        cpuset=(summary and summary.cpuset) or draft.cpuset,
        mems_allowed=(summary and summary.mems_allowed) or draft.mems_allowed,
        nodemask=(summary and summary.nodemask) or draft.nodemask, page_bytes=page, page_bytes_proven=proven,
        meminfo=_meminfo(draft, page), zones=tuple(_zone(zone, page) for zone in draft.zones.values()),
        nodes=tuple(draft.nodes), hugepages=tuple(draft.huge), slabs=tuple(draft.slabs),
        ram_bytes=_total(draft, "ram", page), reserved_bytes=_total(draft, "reserved", page),
        highmem_bytes=_total(draft, "highmem", page), cma_reserved_bytes=_total(draft, "cma_reserved", page),
        hwpoisoned_bytes=_total(draft, "hwpoisoned", page), swap_total_bytes=draft.sizes.get("swap_total"),
        swap_free_bytes=draft.sizes.get("swap_free"), swap_cache_bytes=_total(draft, "swap_cache", page),
        tasks=tuple(task_of(row, page) for row in draft.rows), tasks_omitted=draft.rows_omitted + draft.rows_cut,
        chosen=tuple(draft.chosen), kills=_kills(draft), reaped=tuple(draft.reaped),
        failed_allocations=tuple(draft.failed), trace=tuple(draft.trace), sysrq=draft.sysrq,
        panic=draft.panic is not None, panic_words=draft.panic, no_killable=draft.no_killable,
        oom_group=draft.group_kill, reports=draft.meminfo_lines,
        suppressed_lines=draft.suppressed, parts=parts, missing=_missing(draft, parts),
        notes=notes_on(draft, _total(draft, "ram", page), _constraint(draft) == "none"))


def _is_oom(draft: Draft) -> bool:
    if (draft.invoker or draft.kills or draft.chosen or draft.summary or draft.reaped or draft.no_killable
            or draft.panic or draft.sysrq or draft.limits or draft.limit_of or draft.columns_seen or draft.rows
            or draft.group_kill or draft.words):
        return True
    # Zones whose beginning is cut: nobody else is known to have printed them.
    return bool(draft.zones) and not draft.other_cause and not draft.failed


def _constraint(draft: Draft) -> Constraint | None:
    if draft.summary and draft.summary.constraint in _CONSTRAINTS:
        return _CONSTRAINTS[draft.summary.constraint]
    if (draft.limits or draft.limit_of or draft.stats or draft.task_group or any(kill.cgroup for kill in draft.kills)
            or any(words.startswith("Memory cgroup") for words in draft.words)
            or _GROUP_TRACE.intersection(draft.trace)):
        return "memcg"
    if any("MPOL_BIND" in words for words in draft.words):
        return "mempolicy"
    if any("cpuset" in words for words in draft.words):
        return "cpuset"
    if draft.panic and not (draft.invoker or draft.kills or draft.zones or draft.rows):
        return "panic"
    told = (draft.zones or draft.pages or draft.slabs or draft.kills or draft.chosen or draft.sysrq
            or draft.no_killable or any("alloc_pages" in function for function in draft.trace))
    return "none" if told else None


def _invoker(draft: Draft) -> Invoker | None:
    """Where the first line is missing, the process that the trace is of."""
    if draft.invoker is not None:
        return draft.invoker
    return draft.process if _OOM_TRACE.intersection(draft.trace) and not draft.panic else None


def _control_group(draft: Draft) -> ControlGroup | None:
    if _constraint(draft) != "memcg":
        return None
    summary = draft.summary
    told = next((path for path in (*(stats.path for stats in draft.stats),
                                   *(kill.control_group for kill in draft.kills)) if path), None)
    path = (summary and summary.oom_memcg) or _whole_path(draft.limit_of, told) or told
    names = {limit.name for limit in draft.limits}
    version = 1 if names & {"memory+swap", "kmem"} else 2 if "swap" in names else None
    return ControlGroup(path, (summary and summary.task_memcg) or draft.task_group, tuple(draft.limits),
                        tuple(draft.stats), version)


def _zones_cut(draft: Draft) -> bool:
    """Whether the right side of the lines of nodes or zones is missing."""
    return any("free" in zone.counters and not {"min", "present"} <= zone.counters.keys()
               for zone in draft.zones.values()) or any(node.all_unreclaimable is None for node in draft.nodes)


def _whole_path(path: str | None, told: str | None) -> str | None:
    """The path, unless its line was cut inside a name that another line has whole."""
    cut = path is not None and told is not None and told.startswith(path) and told[len(path):][:1] not in ("", "/")
    return told if cut and path != "/" else path


def _kills(draft: Draft) -> tuple[Kill, ...]:
    """The kill lines; where they are missing, what else says that one was killed."""
    if draft.kills:
        return tuple(draft.kills)
    if draft.summary and draft.summary.pid is not None and draft.summary.task is not None and not draft.panic:
        summary = draft.summary
        return (Kill(summary.pid, summary.task or "", summary.uid, time=summary.time, words="oom-kill",
                     cgroup=_constraint(draft) == "memcg", from_summary=True, control_group=summary.task_memcg),)
    return tuple(Kill(reaped.pid, reaped.comm, time=reaped.time, words="oom_reaper", from_summary=True)
                 for reaped in draft.reaped)


def _meminfo(draft: Draft, page: int) -> dict[str, int]:
    found = {name: pages * page for name, pages in draft.pages.items() if name not in _TOTALS}
    if "free" in draft.sizes:
        found.setdefault("free", draft.sizes["free"])
    if "free_highmem" in draft.sizes:
        found["free_highmem"] = draft.sizes["free_highmem"]
    return found


def _total(draft: Draft, name: str, page: int) -> int | None:
    return draft.pages[name] * page if name in draft.pages else None


def _zone(zone: ZoneDraft, page: int) -> Zone:
    counters = {**{name: pages * page for name, pages in zone.pages.items()}, **zone.counters}
    return Zone(zone.node, zone.name, counters.get("free"), counters.get("min"), counters.get("low"),
                counters.get("high"), counters.get("present"), counters.get("managed"), counters.get("free_cma"),
                zone.all_unreclaimable, counters, zone.lowmem_reserve, zone.free_lists)


def _parts(draft: Draft) -> frozenset[str]:
    has = {
        "invoker": draft.invoker is not None, "trace": bool(draft.trace),
        "cgroup": bool(draft.limits or draft.limit_of), "meminfo": bool(draft.pages.keys() - set(_TOTALS)),
        "zones": any(zone.counters or zone.pages for zone in draft.zones.values()),
        "free_lists": any(zone.free_lists for zone in draft.zones.values()),
        "swap": "swap_free" in draft.sizes or "swap_total" in draft.sizes, "ram": "ram" in draft.pages,
        "tasks": bool(draft.rows), "summary": draft.summary is not None, "chosen": bool(draft.chosen),
        "kill": bool(draft.kills)}
    return frozenset(name for name, there in has.items() if there)


def _missing(draft: Draft, parts: frozenset[str]) -> frozenset[str]:
    expected = {"invoker"}
    if not draft.panic and not draft.no_killable:
        expected.add("kill")
    expected |= {"cgroup"} if _constraint(draft) == "memcg" else {"meminfo", "zones", "free_lists", "ram"}
    if draft.columns_seen and not (draft.panic or draft.no_killable):
        expected.add("tasks")
    cut = {"tasks"} if draft.rows_cut else set()
    if "zones" in expected and _zones_cut(draft):
        cut.add("zones")
    return frozenset(expected - parts | cut)

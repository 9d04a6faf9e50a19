"""Policy lines that would have prevented an event, as TOML that ``watchdog-oom check`` accepts."""

from __future__ import annotations

import re

from watchdog_oom.kernel_log.counted import count
from watchdog_oom.kernel_log.holders import Holder, Holders
from watchdog_oom.kernel_log.model import Event
from watchdog_oom.kernel_log.shortage import reached_limit

_MIB = 1 << 20
_OF_HELD = 0.7        # a limit that acts well before it is as bad as it was
_OF_LIMIT = 0.9       # of a control group: before the kernel acts
_LARGE = 0.2          # of the whole: a holder worth a limit
_INNOCENT = 0.1       # a victim with less of the whole is no cause
_MOST_CAUSES = 3
_MOST_PERCENT = 60
_LEAST_BYTES = 16 * _MIB
_EMERGENCY = """# Who held the memory is not known: this ends the largest in time, whoever it is then.
[emergency]
memory_available_below = "8%"
swap_free_below = "10%"
"""
_UNIT = re.compile(r"([A-Za-z0-9:_.@-]+\.(?:service|scope))")
_VARIABLE = re.compile(r"[0-9a-f]{12,64}|[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}")
_CONTAINERS = ("docker", "kubepods", "lxc", "libpod", "containerd", "machine.slice", "crio")


def policy_for(event: Event, held: Holders) -> str:
    """A limit for those who held the most, containment where its unit is known, and protection for an innocent victim;
    empty where the log does not tell who they are."""
    if not held.groups:
        return _EMERGENCY if event.constraint == "none" else ""
    causes = [group for group in held.groups[:_MOST_CAUSES] if group.share >= _LARGE]
    together = sum(cause.share for cause in causes)
    tables: list[str] = []
    names: dict[str, str] = {}
    for cause in causes:
        if _plain(cause.comm):
            tables += _limit(event, cause, cause.share / together, _table_name(cause.comm, names))
    for comm in dict.fromkeys(kill.comm for kill in event.kills):
        group = held.of(comm)
        innocent = bool(causes) and (group is None or group.share < _INNOCENT)
        if innocent and _plain(comm) and event.constraint != "memcg":
            tables += _protect(comm, _table_name(comm, names))
    return "\n".join(tables)


def _limit(event: Event, cause: Holder, part: float, name: str) -> list[str]:
    """``part``: of what all causes may have."""
    unit = _unit(event, cause)
    noun = [f"[process.{name}]", f'name = "{_glob(cause.comm)}"',
            *([f'unit = "{unit}"'] if unit else _user(event, cause)),
            *(['namespaces = "any"'] if _in_container(event) else [])]
    size = _bound(event, cause, part)
    which = "total_rss" if cause.count > 1 else "rss"
    rule = [f"[limit.{name}]", f'process = "{name}"', f'{which} = "{size}"', 'for = "10s"']
    if cause.count > 1:
        rule.append('first = "largest"')
    if unit.endswith(".service") and event.constraint != "memcg":
        rule += ['then = "contain"', f'memory_high = "{size}"']
    return [*noun, "", *rule, ""]


def _protect(comm: str, name: str) -> list[str]:
    return [f"[process.{name}]", f'name = "{_glob(comm)}"', "",
            f"[protect.{name}]", f'process = "{name}"', "oom_score_adj = -500", ""]


def _bound(event: Event, cause: Holder, part: float) -> str:
    """In percent of RAM, so that it holds on another host too; in MiB for a control group."""
    limit = reached_limit(event.cgroup) if event.cgroup is not None and event.constraint == "memcg" else None
    if limit is not None:
        return f"{max(1, int(limit.limit_bytes * _OF_LIMIT * part) // _MIB)}MiB"
    wanted = max(_LEAST_BYTES, cause.held_bytes * _OF_HELD)  # what is in swap came from RAM
    usable = count(event).usable_bytes
    if usable:
        return f"{max(2, min(round(_MOST_PERCENT * part), round(100 * wanted / usable)))}%"
    return f"{int(wanted) // _MIB}MiB"


def _unit(event: Event, cause: Holder) -> str:
    """The unit of the holder, where the log tells it: that of the victim, if it is the holder."""
    if not any(kill.comm == cause.comm for kill in event.kills):
        return ""
    path = event.cgroup.task_path if event.cgroup is not None else None
    path = path or (event.summary.task_memcg if event.summary is not None else None) or ""
    found: list[str] = _UNIT.findall(path.rpartition("/")[2])
    return _VARIABLE.sub("*", found[0]) if found and found[0].startswith(path.rpartition("/")[2][:1]) else ""


def _user(event: Event, cause: Holder) -> list[str]:
    """What containers run needs more than a name, which they can give themselves."""
    return [f'user = "{cause.uid}"'] if _in_container(event) and cause.uid is not None else []


def _in_container(event: Event) -> bool:
    group = event.cgroup
    paths = (group.path, group.task_path) if group is not None else ()
    summary = event.summary.task_memcg if event.summary is not None else None
    return any(word in (path or "") for path in (*paths, summary) for word in _CONTAINERS)


def _plain(comm: str) -> bool:
    """A name that a policy can have. What a hostile process calls itself never becomes more than a quoted text."""
    return comm.isascii() and comm.isprintable() and len(comm) <= 15 and any(char.isalnum() for char in comm)


def _table_name(comm: str, names: dict[str, str]) -> str:
    """A table's name for this process name, of its own; ``names``: those that are given, which it joins."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", comm).strip("_")
    name = plain = "any_" if plain == "any" else plain
    while name in names:
        name = f"{plain}_{len(names) + 1}"
    names[name] = comm
    return name


def _glob(comm: str) -> str:
    """The name itself as a glob in a TOML string."""
    escaped = re.sub(r"([*?[])", r"[\1]", comm)
    return escaped.replace("\\", "\\\\").replace('"', '\\"')

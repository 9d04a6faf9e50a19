"""Who descends from whom in one snapshot. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchdog_oom.core.model import Process


def children_of(processes: Iterable[Process]) -> Mapping[int, list[Process]]:
    """The children of each pid that has any."""
    children: dict[int, list[Process]] = {}
    for process in processes:
        children.setdefault(process.ppid, []).append(process)
    return children


def descendants(heads: Iterable[Process], children: Mapping[int, list[Process]]) -> list[Process]:
    """Every process below the heads, once each; a cycle, which an inconsistent reading may show, ends."""
    waiting = [process.pid for process in heads]
    found: dict[int, Process] = {}
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child.pid not in found:
                found[child.pid] = child
                waiting.append(child.pid)
    return list(found.values())

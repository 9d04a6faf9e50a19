"""A process that was seen below a noun stays below it for life, even if its parent has ended since. Pure.

A child whose parent ends is given to pid 1 or to a subreaper (prctl(2)), and then nothing on the host shows whose child
it was. So it is remembered by identity, and forgotten when the process is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import dataclass, field

MOST_REMEMBERED = 32_768


@dataclass(frozen=True, slots=True)
class Lineage:
    """The nouns below which each process was seen; ``orphans`` are those of which only this memory knows it."""

    below: Mapping[ProcessId, frozenset[str]] = field(default_factory=dict)
    orphans: frozenset[ProcessId] = frozenset()


def remember(view: View) -> Lineage:
    """Which processes are below the nouns that others name as ``parent``; the snapshot has what was remembered so
    far."""
    names = {name for noun in view.policy.processes.values() for name in noun.parent}
    if not names:
        return Lineage()
    children = _children(view)
    found: dict[ProcessId, frozenset[str]] = {}
    orphans: set[ProcessId] = set()
    for name in names:
        told = _descendants(view.matching(name), children)
        kept = [process for identity, below in view.snapshot.below.items()
                if name in below and (process := view.snapshot.alive(identity)) is not None]
        lost = {process.id for process in (*kept, *_descendants(kept, children))} - {process.id for process in told}
        orphans |= lost
        for identity in (*lost, *(process.id for process in told)):
            if identity in found or len(found) < MOST_REMEMBERED:
                found[identity] = found.get(identity, frozenset()) | {name}
    return Lineage(found, frozenset(orphans & found.keys()))


def _children(view: View) -> Mapping[int, list[Process]]:
    children: dict[int, list[Process]] = {}
    for process in view.snapshot.processes.values():
        children.setdefault(process.ppid, []).append(process)
    return children


def _descendants(heads: Iterable[Process], children: Mapping[int, list[Process]]) -> list[Process]:
    """Every process below the heads, once each; a cycle, which an inconsistent reading may show, ends."""
    waiting = [process.pid for process in heads]
    found: dict[int, Process] = {}
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child.pid not in found:
                found[child.pid] = child
                waiting.append(child.pid)
    return list(found.values())

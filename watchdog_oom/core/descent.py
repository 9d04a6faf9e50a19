"""A process that was seen below a noun stays below it for life, even if its parent has ended since. Pure.

A child whose parent ends is given to pid 1 or to a subreaper (prctl(2)), and then nothing on the host shows whose child
it was. So it is remembered by identity, and forgotten when the process is gone.
"""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.family import children_of, descendants
from watchdog_oom.core.matching import own_keys_match
from watchdog_oom.core.model import ProcessId
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import dataclass, field

MOST_REMEMBERED = 32_768


@dataclass(frozen=True, slots=True)
class Lineage:
    """The nouns below which each process was seen; ``orphans`` are those of which only this memory knows it.
    ``reparented`` are those, of nouns that ask for orphans, whose parent was seen to end."""

    below: Mapping[ProcessId, frozenset[str]] = field(default_factory=dict)
    orphans: frozenset[ProcessId] = frozenset()
    reparented: frozenset[ProcessId] = frozenset()


def remember(view: View) -> Lineage:
    """Which processes are below the nouns that others name as ``parent``; the snapshot has what was remembered so
    far."""
    names = {name for noun in view.policy.processes.values() for name in noun.parent}
    reparented = _reparented(view)
    if not names:
        return Lineage(reparented=reparented)
    children = children_of(view.snapshot.processes.values())
    found: dict[ProcessId, frozenset[str]] = {}
    orphans: set[ProcessId] = set()
    for name in names:
        told = descendants(view.matching(name), children)
        kept = [process for identity, below in view.snapshot.below.items()
                if name in below and (process := view.snapshot.alive(identity)) is not None]
        lost = {process.id for process in (*kept, *descendants(kept, children))} - {process.id for process in told}
        orphans |= lost
        for identity in (*lost, *(process.id for process in told)):
            if identity in found or len(found) < MOST_REMEMBERED:
                found[identity] = found.get(identity, frozenset()) | {name}
    return Lineage(found, frozenset(orphans & found.keys()), reparented)


def _reparented(view: View) -> frozenset[ProcessId]:
    nouns = [noun for noun in view.policy.processes.values() if noun.orphaned is not None]
    if not nouns:
        return frozenset()
    changed = [process for process in view.snapshot.processes.values()
               if process.reparented or process.id in view.snapshot.reparented]
    return frozenset(process.id for process in changed if any(own_keys_match(noun, process) for noun in nouns))

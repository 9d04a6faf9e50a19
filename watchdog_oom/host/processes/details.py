"""What is read of some processes at every scan: swap, unit, use of spools, oom_score_adj and badness."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.host.processes.demand import ScanDemand
from watchdog_oom.host.processes.procfs import (
    open_paths,
    read_oom_score,
    read_oom_score_adj,
    read_swap_bytes,
    read_unit,
)
from watchdog_oom.lean_dataclasses import dataclass, field, replace

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Needs:
    """Pids by what has to be read of them. ``watched`` are those a rule may be about; ``spools`` names the spools whose
    use by the process matters."""

    watched: frozenset[int] = frozenset()
    swap: frozenset[int] = frozenset()
    adjusted: frozenset[int] = frozenset()
    badness: frozenset[int] = frozenset()
    spools: Mapping[int, frozenset[str]] = field(default_factory=dict)
    unit: frozenset[int] = frozenset()

    @property
    def detailed(self) -> frozenset[int]:
        return self.swap | self.adjusted | self.badness | self.spools.keys() | self.unit


def needs_of(
    demand: ScanDemand, matches: Mapping[int, tuple[ProcessNoun, ...]], processes: Mapping[int, Process]
) -> Needs:
    """What has to be read, given the nouns whose own keys each process matches.

    A noun with ``parent`` is about descendants only: so a noun of nothing but a parent does not make the whole host
    interesting. Parents are taken by their own keys here, which is never too few.
    """
    by_own_keys = _by_noun(matches)
    family = _Family(processes)
    relevant: dict[str, frozenset[int]] = {}
    for noun in demand.nouns:
        pids = by_own_keys.get(noun.name, frozenset())
        if noun.parent and pids:
            pids &= family.descendants(pid for name in noun.parent for pid in by_own_keys.get(name, ()))
        relevant[noun.name] = pids
    protected = frozenset[int]().union(*(relevant.get(name, ()) for name in demand.protect))
    userland = frozenset(pid for pid, process in processes.items() if demand.everything and not process.kernel_thread)
    return Needs(
        watched=frozenset[int]().union(*relevant.values()),
        swap=(frozenset() if demand.swapless else userland).union(*(relevant.get(name, ()) for name in demand.swap)),
        adjusted=userland if demand.everything else protected | family.descendants(protected),
        badness=userland if demand.everything else frozenset(),
        spools=_spools_by_pid(demand, relevant),
        unit=frozenset[int]().union(
            demand.unit_pids & processes.keys(), *(relevant.get(name, ()) for name in demand.unit)
        ),
    )


def _by_noun(matches: Mapping[int, tuple[ProcessNoun, ...]]) -> dict[str, frozenset[int]]:
    pids: dict[str, set[int]] = {}
    for pid, nouns in matches.items():
        for noun in nouns:
            pids.setdefault(noun.name, set()).add(pid)
    return {name: frozenset(members) for name, members in pids.items()}


def _spools_by_pid(demand: ScanDemand, relevant: Mapping[str, frozenset[int]]) -> dict[int, frozenset[str]]:
    spools: dict[int, frozenset[str]] = {}
    for noun in demand.nouns:
        if noun.under:
            for pid in relevant[noun.name]:
                spools[pid] = spools.get(pid, frozenset()).union(noun.under)
    return spools


class _Family:
    """Who descends from whom; the tree is only built when somebody asks."""

    def __init__(self, processes: Mapping[int, Process]) -> None:
        self._processes = processes
        self._children: dict[int, list[int]] = {}

    def descendants(self, ancestors: Iterable[int]) -> frozenset[int]:
        """All processes below the given ones."""
        waiting = list(ancestors)
        if waiting and not self._children:
            for pid, process in self._processes.items():
                self._children.setdefault(process.ppid, []).append(pid)
        found: set[int] = set()
        while waiting:
            new = [pid for pid in self._children.get(waiting.pop(), ()) if pid not in found]
            found.update(new)
            waiting.extend(new)
        return frozenset(found)


class Details:
    """Reads details of processes below ``root``; ``count`` is told the kind of each bad reading (Law 10)."""

    def __init__(self, root: str, count: Callable[[str], None]) -> None:
        self._root = root
        self._count = count

    def read(self, processes: Iterable[Process], needs: Needs, demand: ScanDemand) -> dict[int, Process]:
        """The given processes with the details that are needed of them, by pid."""
        # The kernel names open files by their real paths, whatever symlinks lead to the spool.
        real = {name: os.path.realpath(path) for name, path in demand.under.items()} if needs.spools else {}
        return {process.pid: self._detailed(process, needs, real) for process in processes}

    def _detailed(self, process: Process, needs: Needs, real_paths: Mapping[str, str]) -> Process:
        pid = process.pid
        paths = {name: real_paths[name] for name in needs.spools.get(pid, ()) if name in real_paths}
        known = process.facts
        if pid in needs.unit and known.unit is None:
            known = replace(known, unit=self._asked(read_unit, pid, needs.unit))
        return replace(
            process,
            facts=known,
            swap_bytes=self._asked(read_swap_bytes, pid, needs.swap),
            oom_score_adj=self._asked(read_oom_score_adj, pid, needs.adjusted),
            badness=self._asked(read_oom_score, pid, needs.badness),
            under=self._under(pid, paths) if paths else frozenset())

    def _asked(self, read: Callable[[str, int], _T | None], pid: int, pids: frozenset[int]) -> _T | None:
        if pid not in pids:
            return None
        try:
            return read(self._root, pid)
        except OSError:
            self._count("process detail")
            return None

    def _under(self, pid: int, paths: Mapping[str, str]) -> frozenset[str]:
        """The spools in which the process has its working directory or an open file; stops when all are found."""
        found: set[str] = set()
        try:
            for opened in open_paths(self._root, pid):
                found.update(name for name, path in paths.items() if opened == path or opened.startswith(path + "/"))
                if len(found) == len(paths):
                    break
        except OSError:
            self._count("process detail")
        return frozenset(found)

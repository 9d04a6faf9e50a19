"""What is read of some processes at every scan: swap, oom_score_adj, badness, sharing; and whose use of spools matters.

Which spools a process uses is read elsewhere (host/spools/users.py), since it may have a million open files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from watchdog_oom.core.memory import Sharing
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.host.processes.demand import ScanDemand
from watchdog_oom.host.processes.lasting import LastingReading
from watchdog_oom.host.processes.procfs import read_oom_score, read_oom_score_adj, read_swap_bytes
from watchdog_oom.host.processes.sharing import SharingReader
from watchdog_oom.lean_dataclasses import dataclass, field, replace

ADJUSTMENT_SECONDS = 30.0
SWAP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Needs:
    """Pids by what has to be read of them. ``watched`` are those a rule may be about; ``spools`` names the spools whose
    use by the process matters. ``swap`` and ``adjusted`` must be of this moment; for ``guarded``, of whom guard asks
    the oom_score_adj, and for the swap of those who are judged by ``badness``, what was read a while ago will do: the
    last look before an act is fresh, and swap decides only who is large. ``together`` are those, by noun, of whom it
    matters what they share."""

    watched: frozenset[int] = frozenset()
    swap: frozenset[int] = frozenset()
    adjusted: frozenset[int] = frozenset()
    guarded: frozenset[int] = frozenset()
    badness: frozenset[int] = frozenset()
    spools: Mapping[int, frozenset[str]] = field(default_factory=dict)
    together: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @property
    def detailed(self) -> frozenset[int]:
        """Those of whom something is read at every scan."""
        return (self.swap | self.adjusted | self.badness | self.spools.keys()).union(*self.together.values())


def needs_of(
    demand: ScanDemand, matches: Mapping[int, tuple[ProcessNoun, ...]], processes: Mapping[int, Process]
) -> Needs:
    """What has to be read, given the nouns whose own keys each process matches.

    A noun with ``parent`` is about descendants only: so a noun of nothing but a parent does not make the whole host
    interesting. Parents are matched by their own keys here, which never finds too few.
    """
    by_own_keys = _by_noun(matches)
    family = _Family(processes)
    relevant: dict[str, frozenset[int]] = {}
    for noun in demand.nouns:
        pids = by_own_keys.get(noun.name, frozenset())
        if noun.whole_tree and (pids or demand.below):
            pids |= family.descendants((*pids, *demand.below)) | (demand.below & processes.keys())
        elif noun.parent and pids:
            heads = (pid for name in noun.parent for pid in by_own_keys.get(name, ()))
            pids &= family.descendants((*heads, *demand.below)) | demand.below
        relevant[noun.name] = pids
    pids = demand.pids & processes.keys()
    watched = pids.union(*relevant.values())
    spools = _spools_by_pid(demand, relevant)
    userland = _userland(processes) if demand.everything or demand.judged else frozenset[int]()
    protected = _pids_of(demand.protect, relevant)
    housemates = _housemates(_pids_of(demand.contained, relevant), processes)
    return Needs(
        watched,
        swap=_pids_of(demand.swap, relevant),
        adjusted=protected | family.descendants(protected),
        guarded=userland or pids.union(_pids_of(demand.guarded, relevant), housemates),
        badness=userland if demand.everything else frozenset(),
        spools=spools,
        together={name: relevant[name] for name, amount in demand.together.items()
                  if _hold_more(relevant.get(name, frozenset()), amount, processes)},
    )


def _userland(processes: Mapping[int, Process]) -> frozenset[int]:
    return frozenset([pid for pid, process in processes.items() if not process.kernel_thread])


def _hold_more(pids: frozenset[int], amount_bytes: float, processes: Mapping[int, Process]) -> bool:
    """Whether they do, counted one by one; one alone shares with none of them."""
    return len(pids) > 1 and sum(processes[pid].rss_bytes for pid in pids) > amount_bytes


def _pids_of(names: Iterable[str], relevant: Mapping[str, frozenset[int]]) -> frozenset[int]:
    return frozenset[int]().union(*(relevant.get(name, ()) for name in names))


def _housemates(pids: frozenset[int], processes: Mapping[int, Process]) -> frozenset[int]:
    """Every process in a unit with one of the given ones."""
    units = {unit for pid in pids if (unit := processes[pid].facts.unit) is not None}
    return frozenset(pid for pid, process in processes.items() if process.facts.unit in units) if units else frozenset()


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

    def __init__(self, root: str, count: Callable[[str], None], sharing: SharingReader) -> None:
        self._root = root
        self._sharing = sharing
        self._count = count
        self._oom_score_adj = LastingReading(lambda pid: self._read(read_oom_score_adj, pid), ADJUSTMENT_SECONDS)
        self._swap_bytes = LastingReading(lambda pid: self._read(read_swap_bytes, pid), SWAP_SECONDS)

    def read(self, processes: Iterable[Process], needs: Needs, demand: ScanDemand,
             boottime: float) -> dict[int, Process]:
        """The given processes with the details that are needed of them, by pid."""
        self._oom_score_adj.keep_only(needs.guarded)
        self._swap_bytes.keep_only(needs.badness)
        group = {process.pid: process for process in processes}
        shared = self._sharing.look({name: [group[pid].id for pid in pids] for name, pids in needs.together.items()})
        return {pid: self._detailed(process, needs, demand, boottime, shared.get(process.id))
                for pid, process in group.items()}

    def oom_score_adj(self, pid: int, boottime: float) -> int | None:
        """As guard needs it: half a minute old at most."""
        return self._oom_score_adj.of(pid, boottime)

    def forget(self, pid: int) -> None:
        """The process is gone."""
        self._oom_score_adj.forget(pid)
        self._swap_bytes.forget(pid)

    def _detailed(self, process: Process, needs: Needs, demand: ScanDemand, boottime: float,
                  sharing: Sharing | None) -> Process:
        pid = process.pid
        swap_bytes = oom_score_adj = None
        if pid in needs.swap:
            swap_bytes = self._read(read_swap_bytes, pid)
        elif pid in needs.badness:
            # Where nothing is in swap, nothing of his is: /proc/PID/status takes longer than all else of his.
            swap_bytes = self._swap_bytes.of(pid, boottime) if demand.swapped or not process.image else 0
        if pid in needs.adjusted:
            oom_score_adj = self._read(read_oom_score_adj, pid)
        elif pid in needs.guarded:
            oom_score_adj = self._oom_score_adj.of(pid, boottime)
        used = demand.users.get(process.id) if pid in needs.spools else frozenset[str]()
        if used:
            used &= needs.spools[pid]
        return replace(
            process,
            swap_bytes=swap_bytes,
            oom_score_adj=oom_score_adj,
            badness=self._read(read_oom_score, pid) if pid in needs.badness else None,
            under=used,
            sharing=sharing)

    def _read(self, read: Callable[[str, int], int | None], pid: int) -> int | None:
        try:
            return read(self._root, pid)
        except OSError:
            self._count("process detail")
            return None

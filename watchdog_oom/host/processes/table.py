"""The process table: which processes are read at a tick, and what is remembered about them.

Most processes of a host are of no interest to any rule. They are read in rotation, each within 10 s; new and young
processes and those that a noun may match are read at every scan. A pid reused within a rotation is noticed at the
latest in its turn, which is why a process is read again before a signal (Law 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchdog_oom.core.matching import Fact
from watchdog_oom.core.model import NO_FACTS, Process, ProcessId
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.host.processes.demand import ScanDemand
from watchdog_oom.host.processes.details import Details, Needs, needs_of
from watchdog_oom.host.processes.facts import NOTHING_KNOWN, FactReader
from watchdog_oom.host.processes.pid_list import PidList
from watchdog_oom.host.processes.procfs import parse_stat, read_file, with_living_thread
from watchdog_oom.lean_dataclasses import dataclass, replace

_ROTATION_SECONDS = 10.0
_YOUNG_SECONDS = 10.0
_SETTLED_SECONDS = 5.0
_REMEMBERED_SECONDS = 60.0
_MOST_REMEMBERED = 4096


@dataclass(slots=True)
class _Entry:
    """What is known about one process. ``alive`` is its last reading with an address space; ``nouns`` are those whose
    own keys it matches; ``settled`` says that its facts were read at an age at which they no longer change; ``stamp``
    is the hash (an eighth of the memory) of a stat line that tells nothing new if it is read again: there is none while
    facts may change, nor of a first thread that has ended, which does not tell of the others."""

    process: Process
    alive: Process
    stamp: int | None = None
    known: frozenset[Fact] = NOTHING_KNOWN
    nouns: tuple[ProcessNoun, ...] = ()
    settled: bool = False


class ProcessTable:
    """The processes below ``root``. ``skipped`` counts bad readings by kind; none is ever fatal (Law 10).
    ``departures`` counts the processes that vanished after they had lived long enough to be settled. ``spool_users``
    are the processes whose use of spools matters."""

    def __init__(self, root: str = "/proc") -> None:
        self.skipped: dict[str, int] = {}
        self.departures = 0
        self._root = root
        self._population = PidList(root)
        self._listed: frozenset[int] = frozenset()
        self.facts = FactReader(root)
        self._details = Details(root, self._count, self.facts.sharing)
        self._nouns: tuple[ProcessNoun, ...] = ()
        self._entries: dict[int, _Entry] = {}
        self._shown: dict[int, Process] = {}
        self._matching: set[int] = set()
        self._rotating: dict[int, float] = {}  # pid -> when it was read, the longest ago first
        self._detailed: frozenset[int] = frozenset()
        self.spool_users: tuple[ProcessId, ...] = ()
        self._guarded: frozenset[int] = frozenset()
        self._spools_used: dict[int, frozenset[str]] = {}  # as last seen alive: exiting processes have closed all
        self._vanished: dict[int, tuple[float, Process]] = {}
        self._scanned_boottime = float("-inf")

    def scan(self, demand: ScanDemand, boottime: float) -> Mapping[int, Process]:
        """The processes at ``boottime`` (seconds of CLOCK_BOOTTIME), by pid."""
        try:
            pids = self._population.pids(boottime)
        except OSError:
            self._count("process list")
            return dict(self._shown)
        if demand.nouns != self._nouns:
            self._adopt(demand.nouns)
        if pids is not self._listed:
            for pid in self._entries.keys() - pids:
                self._forget(pid, boottime)
            self._listed = pids
        due = self._due(pids, boottime)
        if demand.everything:  # but kernel threads, which hold nothing and are most of a small host's processes
            due |= {pid for pid, entry in self._entries.items() if not entry.process.kernel_thread}
        due |= self._answered()
        self._read(due, boottime)
        needs = needs_of(demand, {pid: self._entries[pid].nouns for pid in self._matching}, self._shown)
        self._arrange(due, needs, boottime)
        self.spool_users = tuple([self._entries[pid].process.id for pid in needs.spools])
        self._show_details(needs, demand, boottime)
        self._forget_the_long_gone(boottime)
        self._scanned_boottime = boottime
        return dict(self._shown)

    def last_seen(self, pid: int) -> Process | None:
        """The process with that pid as last seen alive, up to a minute after it vanished.

        If a young process has just reused the pid, a report about the pid refers to the previous process.
        """
        entry = self._entries.get(pid)
        _, past = self._vanished.get(pid, (0.0, None))
        if entry is None:
            return past
        if past is not None and self._scanned_boottime - entry.process.started_boottime < _YOUNG_SECONDS:
            return past
        return self._as_last_alive(entry)

    def _as_last_alive(self, entry: _Entry) -> Process:
        """With the spools it used then, by which a noun may know it; other details are not kept."""
        used = self._spools_used.get(entry.alive.pid)
        return replace(entry.alive, under=used) if used else entry.alive

    def _answered(self) -> set[int]:
        """Whose facts are to be read again, since an answer came."""
        told, users_changed = self.facts.poll()
        told &= self._entries.keys()
        if users_changed:
            told |= {pid for pid, entry in self._entries.items() if entry.process.facts.uid is not None}
        for pid in told:
            self._entries[pid].settled, self._entries[pid].stamp = False, None
        return told

    def _due(self, pids: frozenset[int], boottime: float) -> set[int]:
        """All processes outside the rotation, and the part of the rotation due after the time since the last scan."""
        due = set(pids - self._rotating.keys())
        share = (boottime - self._scanned_boottime) / _ROTATION_SECONDS
        quota = int(len(self._rotating) * min(1.0, max(0.0, share))) + 1
        for pid, read_boottime in self._rotating.items():
            if quota <= 0 and boottime - read_boottime < _ROTATION_SECONDS:
                break
            due.add(pid)
            quota -= 1
        return due

    def _read(self, pids: Iterable[int], boottime: float) -> None:
        """Read stat lines; one that tells nothing new is not parsed."""
        entries, root = self._entries, self._root
        for pid in pids:
            entry = entries.get(pid)
            try:
                raw = read_file(f"{root}/{pid}/stat")
                if entry is not None and hash(raw) == entry.stamp:
                    continue
                if raw is None:
                    self._forget(pid, boottime)
                else:
                    self._update(pid, raw, entry, boottime)
            except (OSError, ValueError):
                self._count("process")

    def _update(self, pid: int, raw: bytes, entry: _Entry | None, boottime: float) -> None:
        line = with_living_thread(self._root, pid, raw)
        process = parse_stat(pid, line, entry.process.facts if entry is not None else NO_FACTS)
        if entry is not None and entry.process.id != process.id:
            self._forget(pid, boottime)
            process, entry = replace(process, facts=NO_FACTS), None
        if entry is not None and (entry.process.reparented or entry.process.ppid != process.ppid):
            process = replace(process, reparented=True)
        if entry is None:
            entry = self._entries[pid] = _Entry(process, process)
        elif process.image == 0:
            # An exiting process and a zombie leader no longer show their executable; what was known stays true.
            process = replace(process, image=entry.process.image)
        elif process.image != entry.process.image or not entry.settled:
            process, entry.known = replace(process, facts=NO_FACTS), NOTHING_KNOWN
        entry.stamp, entry.process, entry.settled = None, process, False
        if process.rss_bytes and not process.dead:
            entry.alive = process
        entry.settled = boottime - process.started_boottime >= _SETTLED_SECONDS
        self._recognise(entry)
        entry.stamp = hash(raw) if entry.settled and process.state != "Z" else None

    def _recognise(self, entry: _Entry) -> None:
        """Read the facts that decide, note the nouns that match, and show the result."""
        before, pid = entry.process, entry.process.pid
        self._shown[pid] = before
        entry.process, entry.known, entry.nouns = self.facts.recognise(before, entry.known, young=not entry.settled)
        if entry.alive is before:
            entry.alive = entry.process
        if entry.nouns:
            self._matching.add(pid)
        else:
            self._matching.discard(pid)
        self._shown[pid] = entry.process

    def _adopt(self, nouns: tuple[ProcessNoun, ...]) -> None:
        """The policy changed: every process is matched again."""
        self._nouns = nouns
        self.facts.want(nouns)
        for entry in self._entries.values():
            try:
                self._recognise(entry)
            except OSError:
                entry.settled, entry.stamp = False, None
                self._count("process")

    def _arrange(self, read: Iterable[int], needs: Needs, boottime: float) -> None:
        """Put processes read now that no rule needs at the end of the rotation; take out those that a rule needs."""
        rotating, entries = self._rotating, self._entries
        oldest_young = boottime - _YOUNG_SECONDS
        for pid in read:
            entry = entries.get(pid)
            if entry is not None:
                rotating.pop(pid, None)
                if entry.process.started_boottime <= oldest_young:
                    rotating[pid] = boottime
        for pid in needs.watched:
            rotating.pop(pid, None)

    def _show_details(self, needs: Needs, demand: ScanDemand, boottime: float) -> None:
        """Details no longer asked for are not shown, except those of processes that only guard asks about."""
        shown, detailed = self._shown, needs.detailed
        guarded = needs.guarded - detailed
        for pid in (self._detailed - detailed) | (self._guarded - guarded):
            if pid in self._entries:
                shown[pid] = self._entries[pid].process
        processes = [self._entries[pid].process for pid in detailed]
        shown.update(self._details.read(processes, needs, demand, boottime))
        for pid in guarded:
            value = self._details.oom_score_adj(pid, boottime)
            if shown[pid].oom_score_adj != value:
                shown[pid] = replace(shown[pid], oom_score_adj=value)
        self._detailed, self._guarded = detailed, guarded
        self._remember_spools_used(needs)

    def _remember_spools_used(self, needs: Needs) -> None:
        shown = self._shown
        for pid in [pid for pid in self._spools_used if pid not in needs.spools and not shown[pid].dead]:
            del self._spools_used[pid]
        for pid in needs.spools:
            used = shown[pid].under
            if shown[pid].rss_bytes and used is not None:
                self._spools_used[pid] = used

    def _forget(self, pid: int, boottime: float) -> None:
        """Remove a process and remember it."""
        entry = self._entries.pop(pid, None)
        self._shown.pop(pid, None)
        self._matching.discard(pid)
        self._rotating.pop(pid, None)
        if entry is not None and not entry.process.kernel_thread:
            self.departures += entry.settled
            self._vanished.pop(pid, None)
            self._vanished[pid] = (boottime, self._as_last_alive(entry))
        self._spools_used.pop(pid, None)
        self._details.forget(pid)
        if entry is not None:
            self.facts.forget(entry.process.id)

    def _forget_the_long_gone(self, boottime: float) -> None:
        while self._vanished:
            pid, (gone_boottime, _) = next(iter(self._vanished.items()))
            if len(self._vanished) <= _MOST_REMEMBERED and boottime - gone_boottime <= _REMEMBERED_SECONDS:
                break
            del self._vanished[pid]

    def _count(self, kind: str) -> None:
        self.skipped[kind] = self.skipped.get(kind, 0) + 1

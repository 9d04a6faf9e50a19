"""One snapshot seen through one policy: which processes each noun matches, who is protected, oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from watchdog_oom.core.matching import alive, any_of, keys_match, may_match, own_keys_match
from watchdog_oom.core.model import KernelKill, Process, ProcessId, Snapshot
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.core.policy import Policy


class View:
    """Results are computed once and cached, since a snapshot never changes."""

    def __init__(self, snapshot: Snapshot, policy: Policy) -> None:
        self.snapshot = snapshot
        self.policy = policy
        self._matches: dict[str, tuple[Process, ...]] = {}
        self._protected: dict[ProcessId, str] | None = None
        self._alive: tuple[Process, ...] | None = None
        self._open: set[str] = set()
        self.kernel_kills = snapshot.kernel_kills

    def hearing(self, kills: tuple[KernelKill, ...]) -> View:
        """The same view with these kernel kills: a rule also sees earlier ones that it could not act on immediately."""
        view = View(self.snapshot, self.policy)
        view.__dict__.update(self.__dict__)  # what was computed stays valid
        view.kernel_kills = kills
        return view

    @property
    def now(self) -> float:
        """The snapshot's time, in seconds of CLOCK_BOOTTIME."""
        return self.snapshot.clock.boottime

    def noun(self, name: str) -> ProcessNoun:
        """The policy's process noun of that name."""
        return self.policy.processes[name]

    def matching(self, noun_name: str) -> tuple[Process, ...]:
        """The live processes that the noun selects, oldest first."""
        if noun_name not in self._matches:
            if noun_name in self._open:  # parents that name each other in a circle match nothing
                return ()
            self._open.add(noun_name)
            noun = self.policy.processes[noun_name]
            found = [p for p in self._candidates(noun) if keys_match(noun, p) and self._relations_match(noun, p)]
            self._open.discard(noun_name)
            self._matches[noun_name] = tuple(sorted(found, key=lambda p: (p.id.start_ticks, p.pid)))
        return self._matches[noun_name]

    def undecided(self, noun_name: str) -> bool:
        """Whether some process may match, depending on what is not known of it yet: its user, its command line, or
        whether it works in one of the noun's spools."""
        noun = self.policy.processes[noun_name]
        return any(self.may_match(noun, process) for process in self._candidates(noun))

    def may_match(self, noun: ProcessNoun, process: Process) -> bool:
        """Whether that is so for this process."""
        if noun.under and process.under is None and keys_match(noun, process):
            return True
        return may_match(noun, process)

    def may_be_protected(self, process: Process) -> str | None:
        """The protect table that may be about the process, by what is known of it yet."""
        if not process.facts.asked:
            return None
        return next((protect.name for protect in self.policy.protects.values()
                     if may_match(self.policy.processes[protect.process], process)), None)

    def matches(self, noun: ProcessNoun, process: Process) -> bool:
        """Whether every key of the noun matches the process, including ``parent`` and ``under``."""
        return own_keys_match(noun, process) and self._relations_match(noun, process)

    def _candidates(self, noun: ProcessNoun) -> Iterable[Process]:
        """The processes the noun may match by executable or name. A host runs few different ones, so each distinct
        one is matched once."""
        if self._alive is None:
            self._alive = tuple([p for p in self.snapshot.processes.values() if alive(p)])
        if noun.exe:
            exes = any_of({p.facts.exe for p in self._alive}, noun.exe)
            return [p for p in self._alive if p.facts.exe in exes] if exes else ()
        if noun.comm:
            names = any_of({p.comm for p in self._alive}, noun.comm)
            return [p for p in self._alive if p.comm in names] if names else ()
        return self._alive

    def _relations_match(self, noun: ProcessNoun, process: Process) -> bool:
        if noun.under and not any(spool in (process.under or ()) for spool in noun.under):
            return False
        if not noun.parent:
            return True
        parents = {p.id for name in noun.parent for p in self.matching(name)}
        return self._was_below(noun, process) or any(ancestor.id in parents or self._was_below(noun, ancestor)
                                                     for ancestor in self.ancestors(process))

    def _was_below(self, noun: ProcessNoun, process: Process) -> bool:
        """Whether it was seen below one of the noun's parents, and so stays there for its life."""
        return not self.snapshot.below.get(process.id, frozenset()).isdisjoint(noun.parent)

    def ancestors(self, process: Process) -> Iterator[Process]:
        """Parent, grandparent and so on, as far as they are in the snapshot; a cycle ends the walk."""
        seen = {process.pid}
        while process.ppid not in seen and process.ppid in self.snapshot.processes:
            process = self.snapshot.processes[process.ppid]
            seen.add(process.pid)
            yield process

    @property
    def protected(self) -> dict[ProcessId, str]:
        """The processes no rule may choose, each with the name of its protect table."""
        if self._protected is None:
            self._protected = {process.id: protect.name
                               for protect in self.policy.protects.values()
                               for process in self.matching(protect.process)}
        return self._protected

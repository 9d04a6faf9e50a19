"""One snapshot seen through one policy: which processes each noun matches, who is protected, oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from watchdog_oom.core import circumstances
from watchdog_oom.core.family import children_of, descendants
from watchdog_oom.core.matching import alive, any_of, keys_match, living, may_match
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
        self._exes: set[str | None] = set()
        self._names: set[str] = set()
        self._open: set[str] = set()
        self._undecided: dict[str, bool] = {}
        self._plain: dict[str, bool] = {}
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
            found = [p for p in self._candidates(noun) if keys_match(noun, p) and self._by_itself(noun, p)]
            if noun.whole_tree:
                found = self._tree(noun, found)
            if noun.excepted:
                found = [p for p in found if self._unless_excepted(noun, p)]
            self._open.discard(noun_name)
            self._matches[noun_name] = tuple(sorted(found, key=lambda p: (p.id.start_ticks, p.pid)))
        return self._matches[noun_name]

    def undecided(self, noun_name: str) -> bool:
        """Whether some process may match, depending on what is not known yet."""
        if noun_name not in self._undecided:
            self._undecided[noun_name] = False  # the answer in a circle
            noun = self.policy.processes[noun_name]
            self._undecided[noun_name] = any(self.may_match(noun, process) for process in self._candidates(noun))
        return self._undecided[noun_name]

    def may_match(self, noun: ProcessNoun, process: Process) -> bool:
        """Whether that is so for this process: what is not known is its user, its command line, its parent, whether it
        works in one of the noun's spools, how much memory the host has; or whether it is excepted."""
        if not process.facts.asked and self._depends_on_its_own_facts(noun):
            return False
        return self.judge(noun, process) is None

    def _depends_on_its_own_facts(self, noun: ProcessNoun) -> bool:
        """Whether nothing but facts of the process itself can leave it open, as for most nouns."""
        if noun.name not in self._plain:
            others = (*noun.parent, *noun.excepted)
            self._plain[noun.name] = not (noun.under or noun.circumstantial or noun.whole_tree
                                          or any(self.undecided(name) for name in others))
        return self._plain[noun.name]

    def may_be_protected(self, process: Process) -> str | None:
        """The protect table that may be about the process, by what is known of it yet."""
        return next((protect.name for protect in self.policy.protects.values()
                     if self.may_match(self.policy.processes[protect.process], process)), None)

    def matches(self, noun: ProcessNoun, process: Process, *, chosen: bool = False) -> bool:
        """Whether every key of the noun matches the process; ``chosen``: it got TERM because they did."""
        return self.judge(noun, process, chosen=chosen) is True

    def judge(self, noun: ProcessNoun, process: Process, *, chosen: bool = False) -> bool | None:
        """Whether every key of the noun matches; ``None``: that is not known yet."""
        if not alive(process):
            return False
        answer = self._by_itself(noun, process, chosen)
        if noun.whole_tree and answer is not True:
            answer = self._below_a_root(noun, process, answer, chosen)
        return answer if answer is False else self._unless_excepted(noun, process, answer)

    def _by_itself(self, noun: ProcessNoun, process: Process, chosen: bool = False) -> bool | None:
        """By all keys but ``except``; of a whole tree, whether it is a root."""
        own: bool | None = keys_match(noun, process)
        if not own:
            own = None if may_match(noun, process) else False
        if own is False or not (noun.under or noun.parent or noun.circumstantial):
            return own
        answers = [own, circumstances.match(noun, process, self.snapshot, chosen=chosen)]
        if noun.under:
            answers.append(None if process.under is None else not process.under.isdisjoint(noun.under))
        if noun.parent and not noun.whole_tree and False not in answers:
            answers.append(self._below(noun, process))
        return False if False in answers else None if None in answers else True

    def _below(self, noun: ProcessNoun, process: Process) -> bool | None:
        """Whether it is below one of the noun's parents."""
        line = list(self.ancestors(process))
        parents = {p.id for name in noun.parent for p in self.matching(name)}
        if self._was_below(noun, process) or any(one.id in parents or self._was_below(noun, one) for one in line):
            return True
        unsure = [self.policy.processes[name] for name in noun.parent if self.undecided(name)]
        return None if any(self.may_match(parent, one) for parent in unsure for one in line) else False

    def _below_a_root(self, noun: ProcessNoun, process: Process, answer: bool | None, chosen: bool) -> bool | None:
        if self._was_below(noun, process):
            return True
        for one in self.ancestors(process):
            root = alive(one) and self._by_itself(noun, one, chosen)
            if root or self._was_below(noun, one):
                return True
            answer = None if root is None else answer
        return answer

    def _tree(self, noun: ProcessNoun, roots: list[Process]) -> list[Process]:
        """The roots, those below them, and those that were seen below one, with theirs."""
        lost = [process for identity, names in self.snapshot.below.items()
                if noun.name in names and (process := self.snapshot.alive(identity)) is not None]
        children = children_of(self.snapshot.processes.values())
        found = {process.id: process for process in (*roots, *lost, *descendants((*roots, *lost), children))}
        return [process for process in found.values() if alive(process)]

    def _unless_excepted(self, noun: ProcessNoun, process: Process, answer: bool | None = True) -> bool | None:
        """The answer, unless the process is of an excepted noun. If it may be, it is left out as well, for now."""
        for name in noun.excepted:
            excepted = self.judge(self.policy.processes[name], process)
            if excepted:
                return False
            answer = None if excepted is None else answer
        return answer

    def _candidates(self, noun: ProcessNoun) -> Iterable[Process]:
        """The processes the noun may match by executable or name. A host runs few different ones, so each distinct
        one is matched once."""
        if self._alive is None:
            self._alive = living(self.snapshot.processes.values())
        if noun.exe:
            self._exes = self._exes or {p.facts.exe for p in self._alive}
            exes = any_of(self._exes, noun.exe)
            return [p for p in self._alive if p.facts.exe in exes] if exes else ()
        if noun.comm:
            self._names = self._names or {p.comm for p in self._alive}
            names = any_of(self._names, noun.comm)
            return [p for p in self._alive if p.comm in names] if names else ()
        return self._alive

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

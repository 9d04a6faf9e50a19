"""The facts by which nouns match a process, read one by one and only as far as they decide.

Command lines and names of users are asked of children that may hang (reader.py, user_names.py); here nothing waits.
"""

from __future__ import annotations

import re
import select
import time
from collections.abc import Iterable

from watchdog_oom.core.matching import Fact, alive, missing_fact, own_keys_match
from watchdog_oom.core.model import Facts, Process, ProcessId
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.host.processes.control_group import read_units
from watchdog_oom.host.processes.namespaces import NamespaceReader
from watchdog_oom.host.processes.procfs import read_exe, read_uid
from watchdog_oom.host.processes.reader import ANSWER_SECONDS, ProcessReader
from watchdog_oom.host.processes.sharing import SharingReader
from watchdog_oom.host.processes.shortlist import Shortlist
from watchdog_oom.host.processes.slow_patterns import SlowPatterns
from watchdog_oom.host.processes.user_names import UserNames
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.lean_typing import TypeVar, assert_never

NOTHING_KNOWN: frozenset[Fact] = frozenset()
_T = TypeVar("_T")
_TOLD = (Fact.EXE, Fact.USER, Fact.UNIT, Fact.CMDLINE)
_KNOWN: dict[frozenset[Fact], frozenset[Fact]] = {}  # shared by all processes: a set per process would take 216 bytes
_PATTERNS: dict[frozenset[re.Pattern[str]], frozenset[re.Pattern[str]]] = {}  # likewise
_MOST_SHARED = 256
_WAIT_SECONDS = 0.1


class FactReader:
    """Reads facts of processes below ``root``. What is asked of children comes later: ``poll`` says of whom. What
    processes share, no fact by which they match, is asked here as well, so that there is one place to wait."""

    def __init__(self, root: str, *, deadline_seconds: float = ANSWER_SECONDS) -> None:
        self._root = root
        self._slow = SlowPatterns()
        self.reader = ProcessReader(root, slow=self._slow.count, deadline_seconds=deadline_seconds)
        self.sharing = SharingReader(root)
        self._users = UserNames()
        self._namespaces = NamespaceReader(root)
        self._nouns: tuple[ProcessNoun, ...] = ()
        self._shortlist = Shortlist()

    def want(self, nouns: tuple[ProcessNoun, ...]) -> None:
        """From now on these nouns are matched, and no others."""
        self._nouns, self._shortlist = nouns, Shortlist(nouns)
        self._users.want(name for noun in nouns for name in noun.user)
        self.reader.want(frozenset(pattern for noun in nouns for pattern in noun.cmdline))

    def poll(self) -> tuple[set[int], bool]:
        """Take in answers: returns the pids of which something new may be known, and whether names of users mean
        something else."""
        return self.reader.poll(), self._users.poll()

    def forget(self, process: ProcessId) -> None:
        """The process is gone."""
        self.reader.forget(process)

    def recognise(self, process: Process, known: frozenset[Fact], *, young: bool,
                  ) -> tuple[Process, frozenset[Fact], tuple[ProcessNoun, ...]]:
        """As ``complete`` for the nouns that are wanted, and those of them whose own keys match."""
        nouns = self._shortlist.of(process, known)
        if Fact.EXE not in known and alive(process) and any(noun.exe for noun in nouns):
            process, known = self._read(process, Fact.EXE, known)
            nouns = self._shortlist.of(process, known)
        process, known = self.complete(process, nouns, known, young=young)
        return process, known, tuple([noun for noun in nouns if own_keys_match(noun, process)])

    def complete(self, process: Process, nouns: Iterable[ProcessNoun], known: frozenset[Fact] = NOTHING_KNOWN, *,
                 young: bool = False) -> tuple[Process, frozenset[Fact]]:
        """The process with every fact that decides whether a noun matches it, and the set of known facts. What is still
        asked for is named in its facts; ``young``: it may still change, so it is asked again."""
        if process.facts.asked:
            known = known - {Fact(fact) for fact in process.facts.asked}
            process = replace(process, facts=replace(process.facts, asked=NOTHING_KNOWN))
        for noun in nouns:
            while (fact := missing_fact(noun, process, known)) is not None:
                if fact not in known:
                    process, known = self._read(process, fact, known)
                if fact is Fact.CMDLINE:  # the last one; what is not known yet stays missing
                    process = replace(process, facts=self._searched(process, noun.cmdline, young))
                    break
        return process, known

    def everything(self, process: Process) -> Process:
        """The process with all facts that can be had at once, for the journal record of an action on it."""
        for fact in _TOLD:
            process = replace(process, facts=self._with(process, fact))
        return process

    def _searched(self, process: Process, patterns: tuple[re.Pattern[str], ...], young: bool) -> Facts:
        """The facts with what the command line has of the patterns, as far as that is known."""
        facts = process.facts
        uid = facts.uid if facts.uid is not None else read_uid(self._root, process.pid)
        line = self.reader.cmdline(process.id, process.image, uid, patterns, young=young)
        asked = facts.asked if line.has | line.lacks >= frozenset(patterns) else facts.asked | {Fact.CMDLINE.value}
        return replace(facts, cmdline=line.text, cmdline_has=_shared(line.has), cmdline_lacks=_shared(line.lacks),
                       asked=asked)

    def _read(self, process: Process, fact: Fact, known: frozenset[Fact]) -> tuple[Process, frozenset[Fact]]:
        more = known | {fact}
        return replace(process, facts=self._with(process, fact)), _KNOWN.setdefault(more, more)

    def _with(self, process: Process, fact: Fact) -> Facts:
        facts, pid = process.facts, process.pid
        match fact:
            case Fact.EXE:
                return replace(facts, exe=read_exe(self._root, pid))
            case Fact.USER:
                uid = read_uid(self._root, pid)
                user = self._users.name(uid) if uid is not None else None
                asked = facts.asked | {Fact.USER.value} if user is None and self._users.pending else facts.asked
                return replace(facts, uid=uid, user=user, asked=asked)
            case Fact.UNIT:
                unit, user_unit = read_units(self._root, pid)
                return replace(facts, unit=unit, user_unit=user_unit)
            case Fact.HOST_NAMESPACES:
                return replace(facts, host_namespaces=self._namespaces.are_hosts(pid))
            case Fact.EXE_MOUNTED:
                return replace(facts, exe_mounted=self._namespaces.exe_is_mounted(pid))
            case Fact.CMDLINE:
                return replace(facts, cmdline=self.reader.text(process.id))
            case _:
                assert_never(fact)

    def user_name(self, uid: int) -> str | None:
        """The name of a user, as far as it is known by now; nobody is waited for."""
        return self._users.name(uid)

    def filenos(self) -> tuple[int, ...]:
        """Readable when something is known that was asked for."""
        return self.reader.fileno(), self._users.fileno(), self.sharing.fileno()

    @property
    def pending(self) -> bool:
        """Whether an answer is outstanding."""
        return self.reader.busy or self._users.pending or self.sharing.busy

    def wait(self, seconds: float) -> None:
        """For callers that may wait: until there is an answer for the next ``poll``, or a deadline for it to check.
        """
        if self.pending and seconds > 0:
            select.select(self.filenos(), [], [], min(seconds, _WAIT_SECONDS))

    def completed(self, processes: Iterable[Process], noun: ProcessNoun, seconds: float) -> list[Process]:
        """The processes with what decides whether the noun matches them, for callers that may wait; after that time, as
        far as it is known."""
        deadline = time.monotonic() + seconds
        while True:
            found = [self.complete(process, [noun])[0] for process in processes]
            left = deadline - time.monotonic()
            if left <= 0 or not self.pending:
                return found
            self.wait(left)
            self.poll()

    def described(self, process: Process, seconds: float) -> Process:
        """The process with all its facts, likewise."""
        self.reader.cmdline(process.id, process.image, process.facts.uid, (), young=True)
        self.everything(process)
        deadline = time.monotonic() + seconds
        while self.pending and time.monotonic() < deadline:
            self.wait(deadline - time.monotonic())
            self.poll()
        return self.everything(process)

    def close(self) -> None:
        self.reader.close()
        self._users.close()
        self.sharing.close()

    def slow_patterns(self) -> dict[str, int]:
        """How many searches of command lines were ended because they took too long, by pattern."""
        return self._slow.counts(self._nouns)

    def news(self, boottime: float) -> list[tuple[str, str]]:
        """Rule and words of patterns that took too long, for the journal."""
        return self._slow.news(self._nouns, boottime)


def joined(fresh: Facts, earlier: Facts) -> Facts:
    """What was read now, and for the rest what was known of the same process image: not read is not unreadable."""
    def of(now: _T | None, before: _T | None) -> _T | None:
        return before if now is None else now
    return Facts(of(fresh.exe, earlier.exe), of(fresh.cmdline, earlier.cmdline), of(fresh.uid, earlier.uid),
                 of(fresh.user, earlier.user), of(fresh.unit, earlier.unit),
                 fresh.cmdline_has or earlier.cmdline_has, fresh.cmdline_lacks or earlier.cmdline_lacks, fresh.asked,
                 of(fresh.host_namespaces, earlier.host_namespaces), of(fresh.exe_mounted, earlier.exe_mounted),
                 of(fresh.user_unit, earlier.user_unit))


def _shared(patterns: frozenset[re.Pattern[str]]) -> frozenset[re.Pattern[str]]:
    """The same set, one object for all processes that have it; those of former policies are let go in time."""
    if len(_PATTERNS) >= _MOST_SHARED:
        _PATTERNS.clear()
    return _PATTERNS.setdefault(patterns, patterns)

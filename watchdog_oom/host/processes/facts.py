"""The facts by which nouns match a process, read one by one and only as far as they decide."""

from __future__ import annotations

import pwd
import re
from collections.abc import Callable, Iterable
from typing import assert_never

from watchdog_oom.core.matching import Fact, missing_fact
from watchdog_oom.core.model import Facts, Process
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.host.processes.pattern_search import PatternSearch
from watchdog_oom.host.processes.procfs import read_cmdline, read_exe, read_uid, read_unit
from watchdog_oom.lean_dataclasses import replace

NOTHING_KNOWN: frozenset[Fact] = frozenset()
_KNOWN: dict[frozenset[Fact], frozenset[Fact]] = {}  # shared by all processes: a set per process would take 216 bytes
_PATTERNS: dict[frozenset[re.Pattern[str]], frozenset[re.Pattern[str]]] = {}  # likewise
_MOST_SHARED = 256


class UserNames:
    """Names of users, each looked up once: the answer may come from a directory server."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def name(self, uid: int) -> str | None:
        """``None`` for a uid without a name; looked up again next time, since the user may be created later."""
        if uid not in self._names:
            try:
                self._names[uid] = pwd.getpwuid(uid).pw_name
            except (KeyError, OverflowError):
                return None
        return self._names[uid]


class FactReader:
    """Reads facts of processes below ``root``. ``ended`` is called with each pattern that took too long to search for;
    ``postponed`` counts the answers about command lines that are to be asked for again."""

    def __init__(self, root: str, users: UserNames | None = None,
                 ended: Callable[[re.Pattern[str]], None] = lambda pattern: None) -> None:
        self.postponed = 0
        self._root = root
        self._users = users or UserNames()
        self._search = PatternSearch(ended)

    def complete(self, process: Process, nouns: Iterable[ProcessNoun],
                 known: frozenset[Fact] = NOTHING_KNOWN) -> tuple[Process, frozenset[Fact]]:
        """The process with every fact that decides whether a noun matches it, and the set of known facts."""
        for noun in nouns:
            while (fact := missing_fact(noun, process, known)) is not None:
                if fact not in known:
                    process = replace(process, facts=self._with(process.facts, fact, process.pid))
                    more = known | {fact}
                    known = _KNOWN.setdefault(more, more)
                if fact is Fact.CMDLINE:  # the last one; what is postponed stays missing
                    process = replace(process, facts=self._searched(process.facts, noun.cmdline, process.pid))
                    break
        return process, known

    def everything(self, process: Process) -> Process:
        """The process with all its facts, for the journal record of an action on it."""
        facts = process.facts
        for fact in Fact:
            facts = self._with(facts, fact, process.pid)
        return replace(process, facts=facts)

    def _searched(self, facts: Facts, patterns: tuple[re.Pattern[str], ...], pid: int) -> Facts:
        """The facts with what the command line has of the patterns; one that cannot be read has none."""
        if facts.cmdline is None:
            return replace(facts, cmdline_lacks=_shared(facts.cmdline_lacks.union(patterns)))
        wanted = [pattern for pattern in patterns if pattern not in facts.cmdline_lacks]
        uid = facts.uid
        answers = self._search.found(wanted, facts.cmdline, lambda: read_uid(self._root, pid) if uid is None else uid)
        self.postponed += len(answers) < len(wanted)
        return replace(facts, cmdline_has=_shared(facts.cmdline_has.union(p for p, found in answers.items() if found)),
                       cmdline_lacks=_shared(facts.cmdline_lacks.union(p for p, found in answers.items() if not found)))

    def _with(self, facts: Facts, fact: Fact, pid: int) -> Facts:
        match fact:
            case Fact.EXE:
                return replace(facts, exe=read_exe(self._root, pid))
            case Fact.USER:
                uid = read_uid(self._root, pid)
                return replace(facts, uid=uid, user=self._users.name(uid) if uid is not None else None)
            case Fact.UNIT:
                return replace(facts, unit=read_unit(self._root, pid))
            case Fact.CMDLINE:
                return replace(facts, cmdline=read_cmdline(self._root, pid))
            case _:
                assert_never(fact)


def _shared(patterns: frozenset[re.Pattern[str]]) -> frozenset[re.Pattern[str]]:
    """The same set, one object for all processes that have it; those of former policies are let go in time."""
    if len(_PATTERNS) >= _MOST_SHARED:
        _PATTERNS.clear()
    return _PATTERNS.setdefault(patterns, patterns)

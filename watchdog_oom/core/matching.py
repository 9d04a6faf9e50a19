"""Who? Process nouns matched against processes; pure, so that the same match can be repeated just before an action.

A fact that was not read yet is taken as matching and is named by ``missing_fact``, so that the sensors read only facts
that decide (reading the cmdline of a swapped-out process can stall for seconds).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

from watchdog_oom.core.model import Facts, Process
from watchdog_oom.core.nouns import Namespaces, ProcessNoun


class Fact(StrEnum):
    """What can be read about a process beyond its stat line, cheapest first."""

    EXE = "exe"
    USER = "user"
    UNIT = "unit"
    HOST_NAMESPACES = "host_namespaces"
    EXE_MOUNTED = "exe_mounted"
    CMDLINE = "cmdline"


ALL_FACTS = frozenset(Fact)
# As glob_pattern writes it: behind the last slash no class, no star and no dot that is not escaped.
_LITERAL_NAME = re.compile(r"(?:.*/)?(?:\\.|[^\\.\[\]()*?+/])+", re.DOTALL)
_SEARCHED = frozenset({Fact.CMDLINE})


def missing_fact(noun: ProcessNoun, process: Process, known: frozenset[Fact]) -> Fact | None:
    """The next fact to read to decide whether the noun may match; ``None`` when no further fact can change that."""
    if not own_keys_match(noun, process, known - _SEARCHED):
        return None
    for fact in _wanted(noun):
        if fact not in known:
            return fact
    return Fact.CMDLINE if noun.cmdline and not _searched(noun.cmdline, process.facts) else None


def _wanted(noun: ProcessNoun) -> Iterator[Fact]:
    """The facts that its keys are about, command lines apart."""
    if noun.exe:
        yield Fact.EXE
    if noun.user:
        yield Fact.USER
    if noun.unit or noun.orphaned is not None:
        yield Fact.UNIT
    if noun.namespaces is Namespaces.HOST:
        yield Fact.HOST_NAMESPACES
        if noun.exe:
            yield Fact.EXE_MOUNTED


def own_keys_match(noun: ProcessNoun, process: Process, known: frozenset[Fact] = ALL_FACTS) -> bool:
    """Whether name, exe, user, unit and cmdline match; facts not in ``known`` are assumed to match.

    Kernel threads and dead processes match nothing. ``parent`` and ``under`` need other processes: see View.
    """
    return alive(process) and keys_match(noun, process, known)


def alive(process: Process) -> bool:
    """Whether any noun may match the process at all."""
    return not process.kernel_thread and not process.dead


def living(processes: Iterable[Process]) -> tuple[Process, ...]:
    """Those of them that are alive. All processes of a host pass here at every tick, so the rest is asked only of those
    whose state leaves it open."""
    return tuple([p for p in processes if not (p.kernel_thread or (p.state in "ZX" and p.dead))])


def keys_match(noun: ProcessNoun, process: Process, known: frozenset[Fact] = ALL_FACTS) -> bool:
    """The same for a process known to be alive: this runs for every noun and every process at every tick."""
    facts = process.facts
    if noun.comm and not _any_full(noun.comm, process.comm):
        return False
    if noun.exe and Fact.EXE in known and not _any_full(noun.exe, facts.exe):
        return False
    if noun.user and Fact.USER in known and not _user_matches(noun.user, facts.user, facts.uid):
        return False
    if noun.unit and Fact.UNIT in known and not (_any_full(noun.unit, facts.unit)
                                                 or _any_full(noun.unit, facts.user_unit)):
        return False
    if noun.namespaces is Namespaces.HOST and not hosts_own(process, exe=bool(noun.exe)):
        return False
    return not (noun.cmdline and Fact.CMDLINE in known and facts.cmdline_has.isdisjoint(noun.cmdline))


def may_match(noun: ProcessNoun, process: Process) -> bool:
    """Whether the noun's own keys may match, depending on answers still outstanding; false if they match already."""
    asked = process.facts.asked
    if not asked or not alive(process) or keys_match(noun, process):
        return False
    open_facts = frozenset(fact for fact, patterns in ((Fact.USER, noun.user), (Fact.CMDLINE, noun.cmdline))
                           if patterns and fact in asked)
    if Fact.CMDLINE in open_facts and _searched(noun.cmdline, process.facts):
        open_facts -= _SEARCHED
    return bool(open_facts) and keys_match(noun, process, ALL_FACTS - open_facts)


def hosts_own(process: Process, *, exe: bool = False) -> bool:
    """Whether it is the host's own process and, with ``exe``, whether its executable really is the file at that path: a
    user gains nothing by a name or a mount of their own. What cannot be read does not count against a process: no user
    can make it unreadable."""
    facts = process.facts
    return facts.host_namespaces is not False and not (exe and facts.exe_mounted is False)


def any_of(texts: Iterable[str | None], patterns: Iterable[re.Pattern[str]]) -> frozenset[str | None]:
    """The names or executables that any of the patterns matches in full."""
    return frozenset([text for text in texts if _any_full(patterns, text)])


def names_target(noun: ProcessNoun, process: Process) -> bool:
    """Whether the noun gives this target's own name or executable: the last component of the path without a wildcard.
    A user, a unit, or a pattern that happens to match names nobody."""
    named = [pattern for pattern in (*noun.comm, *noun.exe) if _LITERAL_NAME.fullmatch(pattern.pattern)]
    return (_any_full([pattern for pattern in noun.comm if pattern in named], process.comm)
            or _any_full([pattern for pattern in noun.exe if pattern in named], process.facts.exe))


def _any_full(patterns: Iterable[re.Pattern[str]], text: str | None) -> bool:
    if text is not None:
        for pattern in patterns:  # half the time of any(), and this is the innermost loop of every tick
            if pattern.fullmatch(text):
                return True
    return False


def _searched(patterns: tuple[re.Pattern[str], ...], facts: Facts) -> bool:
    """Whether it is known already if the command line has any of the patterns."""
    return not facts.cmdline_has.isdisjoint(patterns) or facts.cmdline_lacks.issuperset(patterns)


def _user_matches(users: Iterable[str], user: str | None, uid: int | None) -> bool:
    return any(name == user or (uid is not None and name == str(uid)) for name in users)

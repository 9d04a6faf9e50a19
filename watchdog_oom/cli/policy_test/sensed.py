"""What the real sensors would show of processes of whom everything is known: the demand cut out of the whole truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchdog_oom.core.matching import Fact, missing_fact, own_keys_match
from watchdog_oom.core.model import NO_FACTS, Facts, Process
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.host.processes.demand import ScanDemand
from watchdog_oom.host.processes.details import needs_of
from watchdog_oom.lean_dataclasses import replace


def as_sensed(everybody: Mapping[int, Process], demand: ScanDemand) -> dict[int, Process]:
    """The processes with no more than a scan of that demand reads of them."""
    recognised = {pid: _recognised(process, demand) for pid, process in everybody.items()}
    matches = {pid: tuple(noun for noun in demand.nouns if own_keys_match(noun, process))
               for pid, process in recognised.items()}
    needs = needs_of(demand, {pid: nouns for pid, nouns in matches.items() if nouns}, recognised)
    shared = frozenset[int]().union(*needs.together.values())
    return {pid: replace(
        process,
        sharing=everybody[pid].sharing if pid in shared else None,
        swap_bytes=everybody[pid].swap_bytes if pid in needs.swap | needs.badness else None,
        oom_score_adj=everybody[pid].oom_score_adj if pid in needs.adjusted | needs.guarded else None,
        badness=everybody[pid].badness if pid in needs.badness else None,
        under=(everybody[pid].under or frozenset()) & needs.spools.get(pid, frozenset()) & demand.under,
    ) for pid, process in recognised.items()}


def searched(everybody: Mapping[int, Process], nouns: Iterable[ProcessNoun]) -> dict[int, Process]:
    """The processes with every pattern of these nouns searched for in every command line."""
    every = ProcessNoun("every", cmdline=tuple(pattern for noun in nouns for pattern in noun.cmdline))
    return {pid: replace(process, facts=_searched(every, process.facts)) for pid, process in everybody.items()}


def _recognised(process: Process, demand: ScanDemand) -> Process:
    """With the facts that decide which nouns match, and no details."""
    shown = replace(process, facts=NO_FACTS)
    known: frozenset[Fact] = frozenset()
    if any(noun.exe and own_keys_match(noun, shown, known) for noun in demand.nouns):  # it is read first of all
        shown, known = replace(shown, facts=_read(Fact.EXE, shown.facts, process.facts)), frozenset({Fact.EXE})
    for noun in demand.nouns:
        while (fact := missing_fact(noun, shown, known)) is not None:
            shown, known = replace(shown, facts=_read(fact, shown.facts, process.facts)), known | {fact}
            if fact is Fact.CMDLINE:
                shown = replace(shown, facts=_searched(noun, shown.facts))
    return shown


def _searched(noun: ProcessNoun, facts: Facts) -> Facts:
    """As the child that reads command lines answers."""
    found = {pattern for pattern in noun.cmdline if pattern.search(facts.cmdline or "")}
    return replace(facts, cmdline_has=facts.cmdline_has | found,
                   cmdline_lacks=facts.cmdline_lacks | (frozenset(noun.cmdline) - found))


def _read(fact: Fact, so_far: Facts, truth: Facts) -> Facts:
    if fact is Fact.USER:
        return replace(so_far, uid=truth.uid, user=truth.user)
    return replace(so_far, **{fact.value: getattr(truth, fact.value)})

"""What a scan of the processes must tell beyond their stat lines."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.guard import LOGIN, SSHD
from watchdog_oom.core.memory import Memory, Pressure
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.core.policy import Policy, Then, Verb
from watchdog_oom.core.shortage import near
from watchdog_oom.lean_dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class ScanDemand:
    """``swap`` and ``protect`` are names of nouns: whose swap is needed, and whose oom_score_adj, that of all their
    descendants included. ``under`` are the paths of the spools that nouns may name. ``everything``: an emergency is
    near, so every process is read, with its badness, oom_score_adj and, unless the host is ``swapless``, swap. ``unit``
    are names of nouns whose units are needed, ``unit_pids`` further processes of whom that is true."""

    nouns: tuple[ProcessNoun, ...] = ()
    swap: frozenset[str] = frozenset()
    under: Mapping[str, str] = field(default_factory=dict)
    protect: frozenset[str] = frozenset()
    everything: bool = False
    swapless: bool = False
    unit: frozenset[str] = frozenset()
    unit_pids: frozenset[int] = frozenset()


def demand_of(policy: Policy, *, everything: bool = False) -> ScanDemand:
    """What the rules of a policy need to see."""
    nouns = tuple(policy.processes.values())
    named = {name for noun in nouns for name in noun.under}
    contained = contained_nouns(policy)
    protected = frozenset(protect.process for protect in policy.protects.values())
    return ScanDemand(
        nouns=nouns,
        swap=frozenset(limit.process for limit in policy.limits.values()
                       if limit.swap is not None or limit.then is Then.CONTAIN),
        under={name: spool.path for name, spool in policy.spools.items() if name in named},
        protect=protected,
        everything=everything,
        unit=contained | protected if contained else frozenset())


def contained_nouns(policy: Policy) -> frozenset[str]:
    """The nouns whose units a rule may contain; guard must then know in which units the protected run."""
    steps = (step for recover in policy.recovers.values() for step in recover.steps if step.verb is Verb.CONTAIN)
    return frozenset((*(limit.process for limit in policy.limits.values() if limit.then is Then.CONTAIN),
                      *(name for step in steps for name in step.names)))


def scan_demand(policy: Policy, memory: Memory | None, lineage: frozenset[int] = frozenset(),
                pressure: Pressure | None = None) -> ScanDemand:
    """What the process scan must tell: what the rules ask for, who is sshd and login for guard, everybody near an
    emergency; and where units may be contained, in which of them sshd and the daemon's ``lineage`` are."""
    demand = demand_of(policy, everything=memory is not None and near(memory, policy.emergency, pressure))
    swapless = memory is not None and memory.swap_total_bytes == 0
    demand = replace(demand, nouns=(*demand.nouns, SSHD, LOGIN), swapless=swapless)
    return replace(demand, unit=demand.unit | {SSHD.name}, unit_pids=lineage) if demand.unit else demand

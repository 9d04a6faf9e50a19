"""What a scan of the processes must read beyond their stat lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from watchdog_oom.core.actions import Watch
from watchdog_oom.core.conditions.kernel import KernelOomKill
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.guard import WAYS_IN
from watchdog_oom.core.held_memory import matters_from
from watchdog_oom.core.memory import Memory, Pressure
from watchdog_oom.core.model import ProcessId
from watchdog_oom.core.nouns import ProcessNoun, Size
from watchdog_oom.core.policy import Policy, Then, Verb
from watchdog_oom.core.shortage import near
from watchdog_oom.lean_dataclasses import dataclass, field, replace

NOTHING_WATCHED = Watch()
# Matches no process, but to find that out the unit of each is read, once, like every fact. Guard needs all of a unit.
UNIT_OF_EVERYBODY = ProcessNoun("the unit of everybody", unit=(re.compile("(?!)"),))


@dataclass(frozen=True, slots=True)
class ScanDemand:
    """``swap``, ``protect``, ``guarded`` and ``contained`` are names of nouns: whose swap is needed; whose
    oom_score_adj, that of all their descendants included; whose own oom_score_adj, since guard is asked about them; and
    in whose units that of every process. ``under`` are the spools that nouns name, and ``users`` says which of them
    processes use, as far as that is known. ``everything``: an emergency is near, so every process is read, with its
    swap, badness and oom_score_adj; ``judged``: guard may be asked about everybody, whose oom_score_adj is read for
    that. ``swapped``: somebody may have memory in swap. ``pids`` are processes that guard is asked about whatever
    matches them; ``below`` were seen below a noun before. ``together`` says of nouns from which resident memory on,
    counted one by one, it matters what their processes share."""

    nouns: tuple[ProcessNoun, ...] = ()
    swap: frozenset[str] = frozenset()
    under: frozenset[str] = frozenset()
    users: Mapping[ProcessId, frozenset[str]] = field(default_factory=dict)
    protect: frozenset[str] = frozenset()
    guarded: frozenset[str] = frozenset()
    contained: frozenset[str] = frozenset()
    everything: bool = False
    judged: bool = False
    swapped: bool = True
    pids: frozenset[int] = frozenset()
    below: frozenset[int] = frozenset()
    together: Mapping[str, float] = field(default_factory=dict)


def demand_of(policy: Policy, *, everything: bool = False) -> ScanDemand:
    """What the rules of a policy need to see."""
    nouns = tuple(policy.processes.values())
    named = frozenset(name for noun in nouns for name in noun.under)
    return ScanDemand(
        nouns=nouns,
        swap=frozenset(limit.process for limit in policy.limits.values()
                       if limit.swap is not None or limit.then is Then.CONTAIN or limit.waits),
        under=named & policy.spools.keys(),
        protect=frozenset(protect.process for protect in policy.protects.values()),
        guarded=_guarded_nouns(policy),
        contained=contained_nouns(policy),
        everything=everything)


def contained_nouns(policy: Policy) -> frozenset[str]:
    """The nouns whose units a rule may contain."""
    steps = (step for recover in policy.recovers.values() for step in recover.steps if step.verb is Verb.CONTAIN)
    return frozenset((*(limit.process for limit in policy.limits.values()
                        if Then.CONTAIN in (limit.then, limit.would)),
                      *(name for step in steps for name in step.names)))


def _guarded_nouns(policy: Policy) -> frozenset[str]:
    """The nouns whose processes a rule may end or freeze, or would: limits that only report ask guard as well."""
    steps = (step for recover in policy.recovers.values() for step in recover.steps)
    return frozenset((*(limit.process for limit in policy.limits.values()),
                      *(name for step in steps if step.verb in (Verb.KILL, Verb.FREEZE) for name in step.names)))


def _hands_down(policy: Policy) -> bool:
    """Whether a value is written that children inherit: the unit of each tells whether he has it from there."""
    return any(protect.oom_score_adj is not None and protect.oom_score_adj < 0 for protect in policy.protects.values())


def _unit_of_victims(policy: Policy) -> tuple[ProcessNoun, ...]:
    """Nouns that match no process, but have the unit read of each whose death by the kernel may explain why a service
    is down."""
    names = {condition.noun for recover in policy.recovers.values() for clause in recover.when
             for condition in clause.conditions if isinstance(condition, KernelOomKill) and condition.noun is not None}
    return tuple(replace(policy.processes[name], name=f"the unit of {name}", unit=UNIT_OF_EVERYBODY.unit)
                 for name in sorted(names))


def _sums(policy: Policy) -> tuple[tuple[str, Size], ...]:
    """The sums by which rules about memory held together could act, each with its noun."""
    conditions = (condition for recover in policy.recovers.values() for clause in recover.when
                  for condition in clause.conditions)
    return (*((condition.noun, condition.total_rss_above) for condition in conditions
              if isinstance(condition, ProcessesAre) and condition.total_rss_above is not None),
            *((limit.process, size) for limit in policy.limits.values() if (size := matters_from(limit)) is not None))


def _lowest(sizes: Iterable[tuple[str, Size]], memory: Memory | None) -> dict[str, float]:
    """The lowest of them, in bytes, by noun."""
    lowest: dict[str, float] = {}
    for name, size in sizes:
        if size.percent is None or memory is not None:
            amount = size.of(memory.total_bytes if memory is not None else 0)
            lowest[name] = min(amount, lowest.get(name, amount))
    return lowest


class StandingDemand:
    """What a policy asks for at every look, worked out once: what its rules ask for, who is sshd and login for guard;
    and where units may be contained or scores inherited, who lives in them."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        demand = demand_of(policy)
        for_guard = (*WAYS_IN, UNIT_OF_EVERYBODY) if demand.contained or _hands_down(policy) else WAYS_IN
        self._demand = replace(demand, nouns=(*demand.nouns, *for_guard, *_unit_of_victims(policy)))
        self._sums = _sums(policy)

    def now(self, memory: Memory | None, watch: Watch, pressure: Pressure | None) -> ScanDemand:
        """That, what the last decision asked for, and everybody near an emergency."""
        return replace(self._demand, pids=watch.processes, below=watch.below, together=_lowest(self._sums, memory),
                       everything=memory is not None and near(memory, self.policy.emergency, pressure),
                       swapped=_swapped(memory))


def scan_demand(policy: Policy, memory: Memory | None, watch: Watch = NOTHING_WATCHED,
                pressure: Pressure | None = None) -> ScanDemand:
    """What the process scan must tell, for whoever looks once."""
    return StandingDemand(policy).now(memory, watch, pressure)


def _swapped(memory: Memory | None) -> bool:
    """Whether the host's swap holds anything, as far as is known; a control group's own figures do not tell."""
    return memory is None or bool(memory.group) or memory.swap_free_bytes < memory.swap_total_bytes

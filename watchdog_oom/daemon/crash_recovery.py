"""What the daemon before this one left undone, taken over at the start: from data and from the host (Laws 5 and 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchdog_oom.core.actions import Intent, Purge
from watchdog_oom.core.history import History, Phase, Recovery, RecoveryRun
from watchdog_oom.core.model import Snapshot
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.rules.freeze import adopt_stopped
from watchdog_oom.daemon.state_file import State
from watchdog_oom.journal.record import Kind, Record
from watchdog_oom.journal.unfinished import Unfinished
from watchdog_oom.lean_dataclasses import dataclass, field, replace

FAILURE = "the daemon died in the middle of it"
STILL_OWED = "it could not be started again before the daemon ended"
ONLY_LEFTOVERS = 0


@dataclass(frozen=True, slots=True)
class Inherited:
    """The history with runs that pay the debts, records that tell of them, and the paths, by name, of spools with a
    purge to be finished."""

    history: History
    records: tuple[Record, ...] = ()
    purges: Mapping[str, str] = field(default_factory=dict)


def inherit(state: State, open_ends: Iterable[Unfinished], policy: Policy, snapshot: Snapshot) -> Inherited:
    """Pure. What is owed is in the state. What the state may lack is found on the host: stopped processes here, the
    trash of purges by a search. What the journal left open is only reported as not known."""
    history, records = _pay_back(state, snapshot.clock.boottime)
    if not state.complete and not state.reboot:
        known = history.frozen
        history = adopt_stopped(snapshot, policy, history)
        records += [_told(rule, f"{snapshot.processes[identity.pid].label} is stopped, and it is not known who "
                                "stopped it; it is continued unless the rule asks for the freeze again")
                    for identity, rule in history.frozen.items() if identity not in known]
    records += [_told(f"spool.{name}", f"a purge of {path} was cut short, and no spool of the policy has that path any "
                                       "more: what it renamed away is left in its trash directory")
                for name, path in state.purging.items() if not _is_spool(policy, path)]
    records += [Record(Kind.RECOVERED, end.incident, end.rule, id=end.id,
                       because=(f"found in the journal: {end.step}, without an end",),
                       result="it is not known whether this was done; the rules judge the host anew")
                for end in open_ends]
    paths = set(state.purging.values())
    return Inherited(history, tuple(records), {name: spool.path for name, spool in policy.spools.items()
                                               if spool.path in paths})


def _pay_back(state: State, boottime: float) -> tuple[History, list[Record]]:
    """Each recovery that owes anything gets a run that only pays its debts, whatever attempts and holds say: it does
    not count as another attempt."""
    recoveries = dict(state.history.recoveries)
    records: list[Record] = []
    for name, recovery in state.history.recoveries.items():
        incident = state.unclosed.get(name)
        if recovery.owed:
            why = STILL_OWED if incident is None else FAILURE
            incident = incident or f"{name}-{state.history.run_id}"
            recoveries[name] = _way_back(recovery, incident, why, boottime)
            left = ", ".join(_units(recovery))
            records.append(Record(Kind.RECOVERED, incident, f"recover.{name}", because=(why,),
                                  result=f"a daemon that ended left {left} stopped; it is started now"))
        elif incident is not None:
            records.append(Record(Kind.RECOVERED, incident, f"recover.{name}", ok=False,
                                  result=f"closed: {FAILURE}; it had left nothing stopped"))
    return replace(state.history, recoveries=recoveries), records


def _way_back(recovery: Recovery, incident: str, why: str, boottime: float) -> Recovery:
    run = RecoveryRun(incident, (why,), opened=boottime, entered=boottime, since=boottime, phase=Phase.COMPENSATE,
                      failure=why, stopped=recovery.owed, triggers=recovery.owed_triggers)
    return replace(recovery, run=run, owed=(), owed_triggers=())


def _units(recovery: Recovery) -> tuple[str, ...]:
    """What is owed, by its units where they are known."""
    services = (recovery.units.get(name, (name,))[0] for name in recovery.owed)
    return (*services, *recovery.owed_triggers)


def finish_purges(spools: Iterable[str], prefix: str) -> tuple[Intent, ...]:
    """Purges of these spools that take nothing but what one that was cut short had renamed away; ``prefix`` begins
    their ids. It is the one way in which a purge is finished, whether the state told of it or a search found it."""
    because = ("a purge was cut short: what it had renamed away is judged again, and deleted or put back",)
    return tuple(Intent(f"{prefix}.{number}", Purge(name, ONLY_LEFTOVERS), f"spool.{name}", because)
                 for number, name in enumerate(spools))


def _is_spool(policy: Policy, path: str) -> bool:
    return any(spool.path == path for spool in policy.spools.values())


def _told(rule: str, result: str) -> Record:
    return Record(Kind.RECOVERED, rule=rule, because=(FAILURE,), result=result)

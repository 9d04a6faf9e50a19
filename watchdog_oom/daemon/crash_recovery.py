"""What a daemon that died left undone, taken over at the start (Laws 5 and 8)."""

from __future__ import annotations

from watchdog_oom.core.actions import Intent, StartUnit
from watchdog_oom.core.history import History, Phase, Recovery, RecoveryRun
from watchdog_oom.core.policy import Policy
from watchdog_oom.journal.record import Kind, Record
from watchdog_oom.journal.unfinished import Unfinished, read_unfinished
from watchdog_oom.lean_dataclasses import dataclass, replace

FAILURE = "the daemon died in the middle of it"


@dataclass(frozen=True, slots=True)
class Inherited:
    """The history with runs that pay the debts, records that tell of them, and starts that no recovery of today's
    policy can answer for."""

    history: History
    records: tuple[Record, ...] = ()
    intents: tuple[Intent, ...] = ()


def inherit(log_directory: str, policy: Policy, history: History, boot_id: str, boottime: float) -> Inherited:
    """Read the journal's open ends. After a reboot there are none: every service started afresh."""
    return settle(read_unfinished(log_directory, boot_id), policy, history, boottime)


def settle(open_ends: tuple[Unfinished, ...], policy: Policy, history: History, boottime: float) -> Inherited:
    """Pure: each unit that a recovery owes is put into a run of that recovery that only goes the way back."""
    recoveries = dict(history.recoveries)
    records: list[Record] = []
    intents: list[Intent] = []
    for number, end in enumerate(open_ends):
        name = (end.rule or "").removeprefix("recover.")
        if end.unit is None:
            records.append(_told(end, "it is not known whether this was done; the rules judge the host anew"))
        elif name in policy.recovers and end.service in policy.services:
            recoveries[name] = _owing(recoveries.get(name, Recovery()), end, policy, boottime)
            records.append(_told(end, f"a daemon that died left {end.unit} stopped; it is started now"))
        else:
            step = StartUnit(end.unit, end.service or end.unit)
            because = (f"{FAILURE}: {end.unit} was left stopped, and no policy of today owns it",)
            intents.append(Intent(f"inherited-{history.run_id}.{number}", step, end.rule or "", because, end.incident))
            records.append(_told(end, f"a daemon that died left {end.unit} stopped; it is started now"))
    return Inherited(replace(history, recoveries=recoveries), tuple(records), tuple(intents))


def _owing(state: Recovery, end: Unfinished, policy: Policy, boottime: float) -> Recovery:
    """The debt joins the run under way for it, whatever attempts and holds say: it is not another try but a return.
    A unit that is not the service's own is a trigger of it, which is started once the service runs."""
    run = state.run or RecoveryRun(incident=end.incident or "", because=(FAILURE,), opened=boottime, entered=boottime,
                           phase=Phase.COMPENSATE, failure=FAILURE, stopped=state.owed, triggers=state.owed_triggers)
    if end.service is not None and end.service not in run.stopped:
        run = replace(run, stopped=(*run.stopped, end.service))
    service = policy.services.get(end.service or "")
    if service is not None and end.unit in service.triggers and end.unit not in run.triggers:
        run = replace(run, triggers=(*run.triggers, end.unit))
    return replace(state, run=run, owed=(), owed_triggers=())


def _told(end: Unfinished, result: str) -> Record:
    """The step stands in the words: a record of its own step would count as the end of the debt."""
    because = (f"found in the journal: {end.step}, without an end",)
    return Record(Kind.RECOVERED, end.incident, end.rule, because=because, result=result,
                  id=end.id if end.unit is None else None)

"""The target of an action, as shown in the journal and by the commands."""

from __future__ import annotations

from collections.abc import Callable

from watchdog_oom.core.actions import (
    Action,
    Contain,
    Probe,
    Purge,
    Release,
    RunCommand,
    SetOomScoreAdj,
    Signal,
    StartUnit,
    StopUnit,
)
from watchdog_oom.core.hook_action import RunHook
from watchdog_oom.core.model import Clock, Process, ProcessId, Snapshot
from watchdog_oom.core.policy import Policy
from watchdog_oom.lean_typing import assert_never


def target_of(action: Action, snapshot: Snapshot, policy: Policy,
              all_facts: Callable[[Process], Process]) -> dict[str, object]:
    match action:
        case Signal() | SetOomScoreAdj():
            return process_target(action.target, action.comm, snapshot, all_facts)
        case StopUnit() | StartUnit():
            return {"service": action.service, "unit": action.unit}
        case Purge():
            return {"spool": action.spool, "path": policy.spools[action.spool].path, "limit": action.limit}
        case RunCommand():
            return {"argv": action.argv}
        case RunHook():
            return {"hook": action.event.value, "argv": action.argv,
                    "pids": [victim.target.pid for victim in action.victims]}
        case Probe():
            return {"service": action.service, "unit": policy.services[action.service].unit}
        case Contain() | Release():
            return {"unit": action.unit, "memory_high": action.memory_high_bytes, "memory_max": action.memory_max_bytes}
        case _:
            assert_never(action)


def process_target(identity: ProcessId, comm: str, snapshot: Snapshot,
                    all_facts: Callable[[Process], Process]) -> dict[str, object]:
    target: dict[str, object] = {"pid": identity.pid, "start": identity.start_ticks, "name": comm}
    process = snapshot.processes.get(identity.pid)
    if process is None or process.id != identity:
        return target
    return target | describe(all_facts(process), snapshot.clock)


def describe(process: Process, clock: Clock) -> dict[str, object]:
    """A process as in the journal, ``plan --json`` and ``check --json``; sizes in bytes, age in seconds."""
    facts = process.facts
    return {"pid": process.pid, "start": process.id.start_ticks, "name": process.comm, "ppid": process.ppid,
            "state": process.state, "exe": facts.exe, "cmdline": facts.cmdline, "user": facts.user, "uid": facts.uid,
            "unit": facts.unit, "rss": process.rss_bytes, "swap": process.swap_bytes,
            "age": round(process.age_seconds(clock), 1), "oom_score_adj": process.oom_score_adj,
            "badness": process.badness}

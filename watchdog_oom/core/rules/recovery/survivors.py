"""Processes that survive the stop of a service: those left in its control group are ended as part of the stop.

A unit may be configured so that only its main process is stopped (KillMode=process, systemd.kill(5)). To systemd the
unit is then down, but the other processes keep its files, ports and memory.
"""

from __future__ import annotations

from watchdog_oom.core.guard import untouchable
from watchdog_oom.core.history import RecoveryRun
from watchdog_oom.core.model import Process, ServiceState
from watchdog_oom.core.rules.kill_escalation import unkillable
from watchdog_oom.core.rules.recovery.progress import WAITING, Context, Progress, done

GRACE_SECONDS = 10.0
STOP_SECONDS = 120.0


def end_survivors(context: Context, run: RecoveryRun, name: str, state: ServiceState) -> Progress:
    """Done when a state shows none that may be ended; those refused by the guard or unkillable are reported and
    skipped."""
    kept: list[str] = []
    waiting = False
    grace = min(GRACE_SECONDS, (context.step.within_seconds or STOP_SECONDS) / 2)
    for pid in state.survivors:
        process = _the_same(context, pid, state)
        context.tick.watch_process(pid)
        if process is not None and process.oom_score_adj is None:
            process = None  # no noun matches it, so what guard must know is asked only now; the next snapshot has it
        reason = None if process is None else _out_of_reach(context, process)
        if process is None or reason is None:
            waiting = True
        if process is None:
            continue
        who = process.label
        if reason is not None:
            kept.append(f"{who}: {reason}")
            continue
        because = (f"{who} outlived the stop of {name}", *run.because)
        context.tick.end(process, context.rule, because, grace, incident=run.incident)
    return WAITING if waiting else done(f"; still running: {', '.join(kept)}" if kept else "")


def _the_same(context: Context, pid: int, state: ServiceState) -> Process | None:
    """The process the state refers to. One that started later has only reused its pid (Law 1)."""
    process = context.tick.view.snapshot.processes.get(pid)
    if process is None or process.dead or process.started_boottime > state.sensed_boottime:
        return None
    return process


def _out_of_reach(context: Context, process: Process) -> str | None:
    reason = untouchable(process, context.tick.view)
    return "it is unkillable" if reason is None and unkillable(context.tick, process.id) else reason

"""How each verb of a recovery is done: requested once, then verified by a later snapshot, within a deadline (Law 6)."""

from __future__ import annotations

from collections.abc import Callable

from watchdog_oom import formatting
from watchdog_oom.core.actions import Purge, RunCommand
from watchdog_oom.core.guard import untouchable
from watchdog_oom.core.history import RecoveryRun, Stage
from watchdog_oom.core.matching import names_target
from watchdog_oom.core.model import Process
from watchdog_oom.core.policy import Recover, RecoveryStep, Verb
from watchdog_oom.core.rules import clean
from watchdog_oom.core.rules.kill_escalation import unkillable
from watchdog_oom.core.rules.recovery import contain_step, service_steps, verify_step
from watchdog_oom.core.rules.recovery.progress import WAITING, Context, Progress, Status, done, failed
from watchdog_oom.core.tick import Tick
from watchdog_oom.lean_dataclasses import replace

DEFAULT_WITHIN_SECONDS = {Verb.STOP: 120.0, Verb.START: service_steps.START_SECONDS, Verb.RESTART: 240.0,
                          Verb.KILL: 60.0, Verb.FREEZE: 15.0, Verb.CONTAIN: 30.0, Verb.PURGE: 300.0, Verb.RUN: 60.0}
KILL_GRACE_SECONDS = 10.0


def advance(tick: Tick, recover: Recover, run: RecoveryRun, step: RecoveryStep) -> tuple[RecoveryRun, Progress]:
    """Advance the step by one tick; a step that has not ended by its deadline has failed."""
    context = Context(tick, recover, step)
    run, progress = HANDLERS[step.verb](context, run)
    if step.verb in (Verb.WAIT, Verb.VERIFY) or progress.status is not Status.WAITING:
        return run, progress
    limit = step.within_seconds or max(DEFAULT_WITHIN_SECONDS[step.verb], service_steps.own_seconds(context, run))
    began = run.waiting_since  # start and restart: one service after the other, each with the full deadline
    if step.verb not in (Verb.START, Verb.RESTART):
        began, limit = run.entered, limit * max(1, len(step.names))
    return run, failed(f"not done within {formatting.duration(limit)}") if tick.now - began >= limit else progress


def _kill(context: Context, run: RecoveryRun) -> tuple[RecoveryRun, Progress]:
    """End all matching processes until a snapshot shows none; those that the guard refuses or that are unkillable are
    reported and skipped."""
    tick, kept = context.tick, []
    within = context.step.within_seconds or DEFAULT_WITHIN_SECONDS[Verb.KILL]
    grace = min(KILL_GRACE_SECONDS, within / 2)  # leave time for KILL within a short deadline
    waiting = False
    for name in context.step.names:
        for process in tick.view.matching(name):
            explicit = names_target(tick.view.policy.processes[name], process)
            reason = untouchable(process, tick.view, explicit=explicit)
            if reason is None and unkillable(tick, process.id):
                reason = "it is unkillable"
            if reason is not None:
                kept.append(f"{process.label}: {reason}")
                continue
            waiting = True
            tick.end(process, context.rule, run.because, grace, noun=name, explicit=explicit,
                     incident=run.incident)
    # Whoever got TERM may no longer be as large as the noun says: the step still waits for its end (Law 6).
    waiting = waiting or any(ending.incident == run.incident and ending.noun in context.step.names
                             and ending.stage is not Stage.UNKILLABLE for ending in tick.terminations.values())
    if waiting:
        return run, WAITING
    left = f"; left alone: {', '.join(kept)}" if kept else ""
    return run, done(f"no process of {', '.join(context.step.names)} that may be ended is left{left}")


def _freeze(context: Context, run: RecoveryRun) -> tuple[RecoveryRun, Progress]:
    moving = [process for process in keep_frozen(context, run) if process.state != "T"]
    return run, WAITING if moving else done(f"all of {', '.join(context.step.names)} are stopped")


def keep_frozen(context: Context, run: RecoveryRun) -> list[Process]:
    """Freeze all processes the step names; call at every tick for as long as the run lasts."""
    asked: list[Process] = []
    for name in context.step.names:
        noun = context.tick.view.policy.processes[name]
        asked += [process for process in context.tick.view.matching(name)
                  if context.tick.freeze(process, context.rule, run.because, noun=name,
                                         explicit=names_target(noun, process), incident=run.incident)]
    return asked


def _purge(context: Context, run: RecoveryRun) -> tuple[RecoveryRun, Progress]:
    results: list[str] = []
    cleared: list[int | None] = []
    within = context.step.within_seconds or DEFAULT_WITHIN_SECONDS[Verb.PURGE]
    for name in context.step.names:
        spool = context.tick.view.policy.spools[name]
        most = min(spool.limit or context.tick.budget.purge_entries, context.tick.budget.purge_entries)
        if name not in run.asked and (context.tick.pressed or _being_cleaned(context, run, name)):
            return run, WAITING
        run, allowed = context.ask(run, name, Purge(name, most, within))
        report = context.report(run, name)
        if not allowed:
            return run, failed(f"the purge of {name} was refused")
        if report is None:
            return run, WAITING
        told = report.outcome.words
        if not report.outcome.ok:
            return run, failed(told)
        state = context.tick.view.snapshot.spools.get(name)
        if state is None or state.scanned_boottime <= report.boottime or not state.finished:
            return run, WAITING
        if state.problem is not None:
            return run, failed(f"spool {name}: {state.problem}")
        cleared.append(report.cleared)
        results.append(f"{told}; {state.entries} entries in {spool.path} now, {state.stale} of them stale")
    counts = [count for count in (run.cleared, *cleared) if count is not None]
    if None not in cleared:
        run = replace(run, cleared=sum(counts))
    return run, done("; ".join(results))


def _being_cleaned(context: Context, run: RecoveryRun, spool: str) -> bool:
    """Whether to wait until a routine cleaning of the spool has ended, as it was told to when this run began."""
    waited = context.tick.now - run.entered
    return waited < clean.GIVE_WAY_SECONDS and clean.cleaning(context.tick, spool)


def _run(context: Context, run: RecoveryRun) -> tuple[RecoveryRun, Progress]:
    limit = context.step.within_seconds or DEFAULT_WITHIN_SECONDS[Verb.RUN]
    run, allowed = context.ask(run, "run", RunCommand(context.step.argv, limit))
    if not allowed:
        return run, failed("it was refused")
    report = context.report(run, "run")
    if report is None:
        return run, WAITING
    return run, done(report.outcome.words) if report.outcome.ok else failed(report.outcome.words)


def _wait(context: Context, run: RecoveryRun) -> tuple[RecoveryRun, Progress]:
    waited = context.tick.now - run.entered
    limit = context.step.within_seconds or 0.0
    return run, done(f"waited {formatting.duration(limit)}") if waited >= limit else WAITING


HANDLERS: dict[Verb, Callable[[Context, RecoveryRun], tuple[RecoveryRun, Progress]]] = {
    Verb.STOP: service_steps.stop, Verb.START: service_steps.start, Verb.RESTART: service_steps.restart,
    Verb.VERIFY: verify_step.verify, Verb.KILL: _kill, Verb.FREEZE: _freeze,
    Verb.CONTAIN: contain_step.contain, Verb.PURGE: _purge,
    Verb.RUN: _run, Verb.WAIT: _wait}

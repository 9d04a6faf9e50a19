"""Terminations under way: verify that the process is gone, escalate, give up on unkillable ones (Laws 4 and 6)."""

from __future__ import annotations

from watchdog_oom.core.actions import NoteKind
from watchdog_oom.core.history import Stage, Termination
from watchdog_oom.core.model import ProcessId
from watchdog_oom.core.tick import Tick
from watchdog_oom.formatting import process_label
from watchdog_oom.lean_dataclasses import replace

KILL_WAIT_SECONDS = 5.0
SHUN_SECONDS = 60.0


def advance(tick: Tick) -> None:
    """Advance each termination by one stage, or close it."""
    failed = {report.intent_id for report in tick.view.snapshot.reports if not report.outcome.ok}
    held = tick.before.hooks.held_ids
    for identity, termination in list(tick.terminations.items()):
        if tick.view.snapshot.alive(identity) is None:
            _close(tick, identity, termination, sent=termination.intent_id not in failed | held)
        elif termination.intent_id in held:
            continue
        elif termination.intent_id in failed:
            _not_sent(tick, identity, termination)
        elif termination.stage is Stage.TERM and tick.now - termination.stage_since >= termination.grace_seconds:
            _escalate(tick, identity, termination)
        elif termination.stage is Stage.KILL and tick.now - termination.stage_since >= KILL_WAIT_SECONDS:
            tick.terminations[identity] = replace(termination, stage=Stage.UNKILLABLE, stage_since=tick.now)
            _tell(tick, identity, termination, f"unkillable: it still runs {KILL_WAIT_SECONDS:g}s after KILL "
                                          f"(state {tick.view.snapshot.processes[identity.pid].state})", ok=False)


def unkillable(tick: Tick, identity: ProcessId) -> bool:
    termination = tick.terminations.get(identity)
    return termination is not None and termination.stage is Stage.UNKILLABLE


def killing(tick: Tick) -> bool:
    """Whether memory is still being freed: a process got KILL and is neither gone nor known to be unkillable."""
    return any(termination.stage is Stage.KILL for termination in tick.terminations.values())


def _close(tick: Tick, identity: ProcessId, termination: Termination, *, sent: bool) -> None:
    del tick.terminations[identity]
    tick.ended_at = tick.now
    if termination.urgent:
        tick.relieved_at = tick.now
    by = "KILL" if termination.stage is not Stage.TERM else "TERM"
    _tell(tick, identity, termination, f"ended after {by}" if sent else f"gone before {by} was sent",
          ok=True if sent else None)


def _not_sent(tick: Tick, identity: ProcessId, termination: Termination) -> None:
    """Choose another process first. If TERM was sent, KILL is tried next, so that TERM is sent only once (Law 4)."""
    tick.shunned[identity] = tick.now + SHUN_SECONDS
    if termination.stage is Stage.KILL and termination.stage_since > termination.since:
        tick.terminations[identity] = replace(termination, stage=Stage.TERM, stage_since=tick.now, intent_id="")
    else:
        del tick.terminations[identity]


def _escalate(tick: Tick, identity: ProcessId, termination: Termination) -> None:
    why = _no_longer(tick, identity, termination)
    if why is not None:
        del tick.terminations[identity]
        _tell(tick, identity, termination, f"given up: {why}; no KILL follows", ok=None)
        return
    if identity in tick.shunned or tick.escalate(identity):
        return
    tick.terminations[identity] = replace(termination, stage=Stage.UNKILLABLE, stage_since=tick.now)
    _tell(tick, identity, termination, "given up: it may no longer be killed", ok=False)


def _no_longer(tick: Tick, identity: ProcessId, termination: Termination) -> str | None:
    """Why the rule no longer applies to this process, or ``None``: the policy may have changed since the TERM."""
    policy = tick.view.policy
    kind, _, name = termination.rule.partition(".")
    rules = {"limit": policy.limits, "recover": policy.recovers}.get(kind)
    if rules is not None and name not in rules:
        return f"{termination.rule} has left the policy"
    if termination.noun is None:
        return None
    noun = policy.processes.get(termination.noun)
    if noun is None:
        return f"{termination.noun} has left the policy"
    matches = tick.view.matches(noun, tick.view.snapshot.processes[identity.pid], chosen=True)
    return None if matches else f"{termination.noun} does not match it any more"


def _tell(tick: Tick, identity: ProcessId, termination: Termination, result: str, *, ok: bool | None) -> None:
    tick.note(
        termination.rule,
        result,
        kind=NoteKind.OUTCOME,
        because=termination.because,
        incident=termination.incident,
        action=f"end {process_label(termination.comm, identity.pid)}",
        target=identity,
        comm=termination.comm,
        took_seconds=round(tick.now - termination.since, 3),
        ok=ok,
    )

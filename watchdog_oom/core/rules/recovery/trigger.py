"""[recover.NAME]: when a recovery may run: clauses, hours, mode, cooldown with backoff, attempts, hold and re-arm.

What a run does is in transaction.py; how each step is done is in steps.py.
"""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.actions import NoteKind
from watchdog_oom.core.condition import Finding, verdict
from watchdog_oom.core.conditions.kernel import KernelOomKill, explained
from watchdog_oom.core.conditions.service import ServiceIs
from watchdog_oom.core.history import Phase, Recovery, RecoveryRun
from watchdog_oom.core.pause import pause_of, paused_words
from watchdog_oom.core.policy import Clause, Mode, Recover, Verb
from watchdog_oom.core.rules import would
from watchdog_oom.core.rules.recovery import transaction
from watchdog_oom.core.tick import Tick
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import replace

BACKOFF_CEILING_SECONDS = 3600.0
FRESH_SECONDS = 2.0  # a state of a service that is older is asked for again before anything is done because of it


def apply(tick: Tick) -> None:
    for recover in (*tick.view.policy.recovers.values(), *_abolished(tick)):
        state = tick.recoveries.get(recover.name, Recovery())
        tick.watch(*_services_in_clauses(recover))
        if state.run is not None:
            state = transaction.advance(tick, recover, state)
        elif not tick.before.stopping:
            state = _idle(tick, recover, _of_this_text(tick, recover, state))
        tick.recoveries[recover.name] = transaction.with_units(tick, recover, state)
    tick.asked = {rule: why for rule, why in tick.asked.items() if not rule.startswith("recover.")}


def _of_this_text(tick: Tick, recover: Recover, state: Recovery) -> Recovery:
    """A changed rule is a new rule: attempts, hold and cooldown end with the old text; its debts remain (Law 5)."""
    if not recover.fingerprint or state.fingerprint == recover.fingerprint:
        return state
    if not state.fingerprint:  # a new rule, or the state of a release without fingerprints
        return replace(state, fingerprint=recover.fingerprint)
    if state.started or state.held_since is not None:
        tick.note(f"recover.{recover.name}", "the rule has changed: attempts, hold and cooldown start anew")
    return replace(state, fingerprint=recover.fingerprint, started=(), ended=None, unhelped=0, held_since=None)


def _abolished(tick: Tick) -> list[Recover]:
    """Recoveries that left the policy but still owe a start, as rules that do only that (Law 5)."""
    return [Recover(name, when=(), steps=()) for name, state in tick.recoveries.items()
            if name not in tick.view.policy.recovers and (state.run is not None or state.owed)]


def compensate_all(tick: Tick, why: str) -> None:
    """The daemon stops: every running transaction switches to compensation (Law 5)."""
    for name, state in tick.recoveries.items():
        if state.run is not None and state.run.phase is not Phase.COMPENSATE:
            tick.recoveries[name] = replace(state, run=transaction.fail(state.run, why, tick.now))


def running(tick: Tick) -> bool:
    return any(state.run is not None for state in tick.recoveries.values())


def clause_findings(clause: Clause, view: View) -> tuple[Finding, ...]:
    return tuple(condition.find(view) for condition in clause.conditions)


def deciding_findings(clause: Clause, view: View) -> tuple[Finding, ...]:
    """The findings up to the first that does not hold, by which it is known that the clause does not: mostly that is
    the first of all, and the rest need not be found out and put in words. All of a clause that holds."""
    found: list[Finding] = []
    for condition in clause.conditions:
        finding = condition.find(view)
        found.append(finding)
        if finding.known and not finding.holds:
            break
    return tuple(found)


def wait_seconds(recover: Recover, state: Recovery) -> float:
    """The wait after a run: the cooldown, doubled for each run that did not help, up to an hour."""
    doubled = recover.cooldown_seconds * 2.0 ** max(0, min(state.unhelped - 1, 16))
    return max(recover.cooldown_seconds, min(doubled, BACKOFF_CEILING_SECONDS))


def _idle(tick: Tick, recover: Recover, state: Recovery) -> Recovery:
    state = _rearm(tick, recover, state)
    rule = f"recover.{recover.name}"
    if rule in tick.asked:  # an administrator judged instead of the clauses
        return _open(tick, recover, state, (tick.asked[rule],), only_debts=False)
    fired, calm = _fired(tick, recover, state)
    resting = state.ended is not None and tick.now - state.ended < wait_seconds(recover, state)
    if calm and not resting and not state.owed and state.unhelped and state.last_result == transaction.SUCCESS:
        state = replace(state, unhelped=0)
    if fired and (recover.mode is Mode.OBSERVE
                  or not recover.hours.contain(tick.view.snapshot.clock.local_minute)):
        _only_report(tick, recover, fired)
        fired = ()
    if fired and _nothing_to_clear(tick, recover, fired):
        fired = ()
    because = fired or tuple(f"{name} was stopped by this recovery and could not be started again"
                             for name in state.owed)
    if not because or pause_of(tick.pauses, rule) is not None:
        return state
    if state.held_since is not None or len(state.started) >= recover.attempts:
        return _hold(tick, recover, state, because)
    if resting or (fired and _asked_again(tick, recover)):
        return state
    return _open(tick, recover, state, because, only_debts=not fired)


def _open(tick: Tick, recover: Recover, state: Recovery, because: tuple[str, ...], *, only_debts: bool) -> Recovery:
    """Begin a run, which takes over what an earlier one owes; ``only_debts``: that is its only reason."""
    run = RecoveryRun(
        incident=tick.new_id(recover.name),
        because=because,
        opened=tick.now,
        entered=tick.now,
        since=tick.now,
        steps=recover.steps,
        stopped=state.owed,
        triggers=state.owed_triggers,
        revive=_revivable(tick, recover, state),
    )
    heard_until = tick.now
    if only_debts:
        run, heard_until = transaction.fail(run, None, tick.now), state.kills_heard_until
    tick.note(f"recover.{recover.name}", "opened", because=because, incident=run.incident)
    tick.watch(*transaction.services_in_steps(recover), *run.stopped, often=True)
    return replace(state, run=run, started=(*state.started, tick.now), owed=(), owed_triggers=(),
                   kills_heard_until=heard_until)


def _fired(tick: Tick, recover: Recover, state: Recovery) -> tuple[tuple[str, ...], bool]:
    """The evidence of the first clause that has held long enough, and whether no clause holds at all."""
    view = _hearing(tick, state)
    fired: tuple[str, ...] = ()
    calm = True
    for index, clause in enumerate(recover.when):
        findings = deciding_findings(clause, view)
        holds = verdict(findings)
        calm = calm and holds is False
        ripe = tick.sustained(f"recover.{recover.name} {recover.fingerprint} when {index}", holds, clause.for_seconds)
        if ripe and not fired:
            lasting = f" (for {formatting.duration(clause.for_seconds)})" if clause.for_seconds else ""
            fired = tuple(finding.words + lasting for finding in findings)
    return fired, calm


def _asked_again(tick: Tick, recover: Recover) -> bool:
    """Whether a service that is said to have failed was last heard of too long ago; it is asked again.

    A calm service is asked every 10 s or less often, and may have been mended by hand since.
    """
    states = tick.view.snapshot.services
    old = {condition.service for clause in recover.when for condition in clause.conditions
           if isinstance(condition, ServiceIs) and condition.failed and condition.find(tick.view).holds
           and tick.now - states[condition.service].sensed_boottime > FRESH_SECONDS}
    tick.watch(*old, often=True)
    return bool(old)


def _hearing(tick: Tick, state: Recovery) -> View:
    return tick.view.hearing(tuple(kill for kill in tick.kernel_kills if kill.boottime > state.kills_heard_until))


def _revivable(tick: Tick, recover: Recover, state: Recovery) -> frozenset[str]:
    """Services that may be started although they were down when the run began, because they died and were not stopped.

    systemd distinguishes dead (failed) from stopped (inactive). The LSB interface does not, so there a kernel kill of
    the process that the rule names is required.
    """
    view = _hearing(tick, state)
    revive: set[str] = set()
    for condition in (condition for clause in recover.when for condition in clause.conditions):
        if isinstance(condition, ServiceIs) and condition.failed and condition.find(view).holds:
            revive.add(condition.service)
        if isinstance(condition, KernelOomKill) and condition.noun is not None and condition.find(view).holds:
            revive |= {name for step in recover.steps if step.verb in (Verb.START, Verb.RESTART) for name in step.names
                       if explained(view, condition.noun, tick.view.policy.services[name].unit)}
    return frozenset(revive)


def _only_report(tick: Tick, recover: Recover, because: tuple[str, ...]) -> None:
    observed = paused_words(tick.pauses, f"recover.{recover.name}") or "observed only"
    why = observed if recover.mode is Mode.OBSERVE else f"outside its hours ({recover.hours})"
    if tick.rate_limit(f"recover.{recover.name} reports"):
        tick.note(f"recover.{recover.name}", f"{why}: {would.recovered(tick, recover)}", because=because)


def _nothing_to_clear(tick: Tick, recover: Recover, because: tuple[str, ...]) -> bool:
    """Whether all it could do is to clear spools in which nothing is stale; told once an hour."""
    spools = [name for step in recover.steps if step.verb is Verb.PURGE for name in step.names]
    states = [tick.view.snapshot.spools.get(name) for name in spools]
    if not recover.only_purges or not all(state is not None and state.finished and state.problem is None
                                          and state.stale == 0 for state in states):
        return False
    if tick.rate_limit(f"recover.{recover.name} has nothing to clear"):
        tick.note(f"recover.{recover.name}", because=because,
                  result=f"nothing to clear: no entry of {', '.join(spools)} is stale; it waits until one is")
    return True


def _hold(tick: Tick, recover: Recover, state: Recovery, because: tuple[str, ...]) -> Recovery:
    if tick.rate_limit(f"recover.{recover.name} held") or state.held_since is None:
        per = formatting.duration(recover.per_seconds)
        tick.note(f"recover.{recover.name}", because=because,
                  result=f"held: {formatting.count(len(state.started), 'attempt')} in {per} did not help; "
                         f"it needs attention and is tried again after {per}")
    return state if state.held_since is not None else replace(state, held_since=tick.now)


def _rearm(tick: Tick, recover: Recover, state: Recovery) -> Recovery:
    started = tuple(at for at in state.started if tick.now - at < recover.per_seconds)
    if state.held_since is None:
        return state if started == state.started else replace(state, started=started)
    if tick.now - state.held_since < recover.per_seconds:
        return state
    tick.note(f"recover.{recover.name}", "re-armed after the hold", kind=NoteKind.INCIDENT)
    return replace(state, started=(), held_since=None, unhelped=0)


def _services_in_clauses(recover: Recover) -> set[str]:
    return {condition.service for clause in recover.when for condition in clause.conditions
            if isinstance(condition, ServiceIs)}


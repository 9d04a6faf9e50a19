"""[clean.NAME]: routine cleaning of a spool: when it is due, what it has to wait for, and what ends a run early.

It is an ordinary purge, with the same guard and budget, but nothing waits for it: it is spread over time, one spool is
cleaned at a time, and an emergency, memory near its thresholds or a recovery that uses the spool comes first.
"""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom import formatting
from watchdog_oom.core.actions import NoteKind, Purge
from watchdog_oom.core.cleaning import Cleaning
from watchdog_oom.core.history import History, Recovery
from watchdog_oom.core.model import SpoolState
from watchdog_oom.core.outcome import EffectReport
from watchdog_oom.core.policy import Clean, Mode, Policy, Verb
from watchdog_oom.core.shortage import near
from watchdog_oom.core.tick import Tick
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import replace

FIRST_WITHIN_SECONDS = 600.0
AGAIN_SECONDS = 60.0  # after a run that was ended early
WITHIN_SECONDS = 3600.0
GIVE_WAY_SECONDS = 10.0
UNHEARD_SECONDS = 6 * 3600.0
_LONGEST_RESULT = 400


def rule_of(clean: Clean) -> str:
    """As it stands in the journal, and in ``History.asked``: a name there has the clean run as soon as it may."""
    return f"clean.{clean.name}"


def apply(tick: Tick) -> None:
    """Follow the run under way; else begin the one that has been due longest."""
    cleans = tick.view.policy.cleans
    for name, state in tick.cleans.items():
        if name not in cleans and state.runs:
            tick.halts[state.spool] = "the rule has left the policy"
    tick.asked -= {rule for rule in tick.asked if rule.startswith("clean.") and rule[6:] not in cleans}
    states = {name: _followed(tick, clean, scheduled(clean, tick.cleans.get(name), tick.now))
              for name, clean in cleans.items()}
    for name in sorted(states, key=lambda name: states[name].due):
        if any(state.runs for state in states.values()):
            break
        if _is_due(tick, cleans[name], states[name]):
            states[name] = _taken_up(tick, cleans[name], states[name])
    tick.cleans = states


def scheduled(clean: Clean, state: Cleaning | None, now: float) -> Cleaning:
    """The first run comes within ten minutes, each rule's at a moment of its own, so that not all begin at the start of
    the daemon; a shorter ``every`` is in force at once."""
    if state is None:
        share = int.from_bytes(clean.name.encode(), "big") % 997 / 997
        return Cleaning(now + share * min(clean.every_seconds, FIRST_WITHIN_SECONDS))
    return replace(state, due=min(state.due, now + clean.every_seconds))


def obstacle(view: View, clean: Clean, emergency: str | None, recoveries: Mapping[str, Recovery]) -> str:
    """What comes before this clean and is under way now, in words, or nothing."""
    snapshot = view.snapshot
    if emergency is not None:
        return "there is an emergency"
    if snapshot.memory is None:
        return "memory could not be read"
    if near(snapshot.memory, view.policy.emergency, snapshot.pressure):
        return "memory is near the thresholds of the emergency"
    for name, state in recoveries.items():
        if state.run is not None and _uses(view.policy, name, state, clean.spool):
            return f"recover.{name} is under way, which uses the spool"
    return ""


def why_waiting(view: View, clean: Clean, state: Cleaning, history: History) -> str:
    """Why a clean that does not run does not begin now, in the order of the decision, or nothing; for people."""
    found = view.snapshot.spools.get(clean.spool)
    if rule_of(clean) not in history.asked:
        if view.now < state.due:
            return f"it is due in {formatting.duration(state.due - view.now)}"
        if not clean.hours.contain(view.snapshot.clock.local_minute):
            return f"it is outside its hours ({clean.hours})"
    if not _is_known(found, state):
        return "the spool is being scanned"
    why = obstacle(view, clean, history.emergency, history.recoveries)
    if why:
        return why
    other = next((name for name, other in history.cleans.items() if other.runs and name != clean.name), None)
    if other is not None:
        return f"clean.{other} is under way"
    if found is not None and found.problem is None and found.stale == 0:
        return "nothing in the spool is stale"
    return "it only observes (mode)" if clean.mode is Mode.OBSERVE else ""


def cleaning(tick: Tick, spool: str) -> bool:
    """Whether a run of a clean is still in that spool: it is told to end when a recovery begins that uses the spool."""
    return any(state.runs and _same(tick.view.policy, state.spool, spool) for state in tick.cleans.values())


def _followed(tick: Tick, clean: Clean, state: Cleaning) -> Cleaning:
    if not state.runs:
        return state
    report = next((told for told in tick.view.snapshot.reports if told.intent_id == state.intent_id), None)
    if report is not None:
        return _ended(tick, clean, state, report)
    if tick.now - state.began >= UNHEARD_SECONDS:
        return _over(tick, state, "nothing was heard of it")
    why = obstacle(tick.view, clean, tick.emergency, tick.recoveries)
    if not why and state.spool != clean.spool:
        why = "the rule has changed"
    if not why:
        return state
    tick.halts[state.spool] = why
    return replace(state, due=min(state.due, tick.now + AGAIN_SECONDS))


def _ended(tick: Tick, clean: Clean, state: Cleaning, report: EffectReport) -> Cleaning:
    words = report.outcome.words
    if state.asked and report.outcome.ok and report.cleared == 0:  # no news, unless somebody waits for it
        tick.note(rule_of(clean), words, kind=NoteKind.OUTCOME, ok=True)
    return _over(tick, state, words)


def _over(tick: Tick, state: Cleaning, words: str) -> Cleaning:
    return Cleaning(state.due, last_result=words[:_LONGEST_RESULT], last_ended=tick.now)


def _is_due(tick: Tick, clean: Clean, state: Cleaning) -> bool:
    hours = clean.hours.contain(tick.view.snapshot.clock.local_minute)
    return rule_of(clean) in tick.asked or (tick.now >= state.due and hours)


def _taken_up(tick: Tick, clean: Clean, state: Cleaning) -> Cleaning:
    """Begin the run, if it may begin and there is something to do; else it waits, or is over with that."""
    found = tick.view.snapshot.spools.get(clean.spool)
    if found is None or not _is_known(found, state) or obstacle(tick.view, clean, tick.emergency, tick.recoveries):
        return state
    rule = rule_of(clean)
    asked = rule in tick.asked
    tick.asked -= {rule}
    state = replace(state, due=tick.now + clean.every_seconds)
    if found.problem is None and found.stale == 0:
        words = f"nothing to clear: no entry of {clean.spool} is stale"
        if asked:
            tick.note(rule, words, kind=NoteKind.OUTCOME, ok=True)
        return _over(tick, state, words)
    because = (*(("asked for now",) if asked else ()),
               f"{found.stale} of {found.entries} entries of {clean.spool} are stale")
    if clean.mode is Mode.OBSERVE:
        tick.note(rule, f"observed only: would purge {clean.spool}", because=because)
        return _over(tick, state, "observed only, not done")
    most = min(tick.view.policy.spools[clean.spool].limit or tick.budget.purge_entries, tick.budget.purge_entries)
    intent = tick.plan(Purge(clean.spool, most, WITHIN_SECONDS, gently=True), rule, because)
    if intent is None:
        return _over(tick, state, f"refused: {found.problem or 'see the journal'}")
    return replace(state, intent_id=intent.id, spool=clean.spool, began=tick.now, asked=asked)


def _is_known(found: SpoolState | None, state: Cleaning) -> bool:
    """Whether a scan has ended that began after the last run."""
    if found is None:
        return False
    fresh = state.last_ended is None or found.scanned_boottime > state.last_ended
    return found.problem is not None or (found.finished and fresh)


def _uses(policy: Policy, name: str, state: Recovery, spool: str) -> bool:
    """Whether the recovery purges the spool, or is about it."""
    recover = policy.recovers.get(name)
    steps = (*(state.run.steps if state.run is not None else ()), *(recover.steps if recover is not None else ()))
    named = {noun for step in steps if step.verb is Verb.PURGE for noun in step.names}
    for clause in recover.when if recover is not None else ():
        named |= {getattr(condition, "spool", "") for condition in clause.conditions}
    return any(_same(policy, one, spool) for one in named)


def _same(policy: Policy, one: str, other: str) -> bool:
    """Whether both nouns are of one directory."""
    first, second = policy.spools.get(one), policy.spools.get(other)
    return one == other or (first is not None and second is not None and first.path == second.path)

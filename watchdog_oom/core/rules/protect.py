"""[protect.NAME]: set oom_score_adj, restore it later, and leave nobody protected by inheritance."""

from __future__ import annotations

from watchdog_oom.core.actions import SetOomScoreAdj
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.outcome import Outcome
from watchdog_oom.core.policy import Protect
from watchdog_oom.core.rules import inherited_score
from watchdog_oom.core.rules.inherited_score import Wanted
from watchdog_oom.core.rules.score_origin import Origins
from watchdog_oom.core.rules.short_lived import Patience
from watchdog_oom.core.rules.would import tell_scores
from watchdog_oom.core.scores import NO_ATTEMPT, Adjusted, Attempt, Written, home
from watchdog_oom.core.tick import Tick
from watchdog_oom.formatting import process_label
from watchdog_oom.lean_dataclasses import replace


def apply(tick: Tick) -> None:
    """Protect the processes the policy names now, and release those it no longer names."""
    _hear(tick)
    wanted = _wanted(tick)
    patience = Patience(tick)
    for process, protect, value in wanted.values():
        _set(tick, process, protect, value, patience)
    inherited_score.reset(tick, wanted, patience)
    _release(tick, keep=set(wanted))
    patience.tell()
    _tell_unwritten(tick)
    tell_scores(tick)


def restore_all(tick: Tick) -> None:
    """The daemon stops: restore every value, and leave nobody with an inherited one."""
    _hear(tick)
    wanted = _wanted(tick)
    for process, _, value in wanted.values():
        if process.oom_score_adj == value:
            _remember_heir(tick, process, value)
    patience = Patience(tick, over=True)
    inherited_score.reset(tick, wanted, patience)
    _release(tick, keep=set())
    patience.tell()


def owing(tick: Tick) -> bool:
    """Whether a value was given back in this tick, so that the next one will tell of it. What could not be written is
    left to the next life of the daemon."""
    return any(adjusted.restore.intent_id and adjusted.restore.at == tick.now for adjusted in tick.adjusted.values())


def _hear(tick: Tick) -> None:
    """How the writes came out that were asked for."""
    told = {report.intent_id: report.outcome for report in tick.view.snapshot.reports}
    if not told:
        return
    for identity, adjusted in tick.adjusted.items():
        if (outcome := told.get(adjusted.write.intent_id)) is not None:
            _came_out(tick, adjusted.write, outcome)
            adjusted = replace(adjusted, write=adjusted.write.heard(outcome))
            if outcome.ok:
                _note_written(tick, identity, adjusted)
        elif (outcome := told.get(adjusted.restore.intent_id)) is not None:
            adjusted = replace(adjusted, restore=adjusted.restore.heard(outcome))
        tick.adjusted[identity] = adjusted
    resets = dict(tick.scores.resets)
    for identity, attempt in resets.items():
        if (outcome := told.get(attempt.intent_id)) is not None:
            _came_out(tick, attempt, outcome)
            resets[identity] = attempt.heard(outcome)
    tick.scores = replace(tick.scores, resets=resets)


def _came_out(tick: Tick, attempt: Attempt, outcome: Outcome) -> None:
    failing = dict(tick.scores.failing)
    if outcome.ok:
        failing.pop(attempt.rule, None)
    elif outcome.ok is False:
        failing[attempt.rule] = outcome.words
    tick.scores = replace(tick.scores, failing=failing)


def _note_written(tick: Tick, identity: ProcessId, adjusted: Adjusted) -> None:
    label = process_label(adjusted.comm, identity.pid)
    written = Written(adjusted.since, label, adjusted.write.rule, adjusted.original)
    tick.scores = tick.scores.noting(adjusted.value, adjusted.home, written)


def _wanted(tick: Tick) -> Wanted:
    wanted: Wanted = {}
    for protect in tick.view.policy.protects.values():
        if protect.oom_score_adj is None:
            continue
        for process in tick.view.matching(protect.process):
            known = wanted.get(process.id)
            if known is None or protect.oom_score_adj < known[2]:
                wanted[process.id] = (process, protect, protect.oom_score_adj)
    return wanted


def _set(tick: Tick, process: Process, protect: Protect, value: int, patience: Patience) -> None:
    now_there, rule = process.oom_score_adj, f"protect.{protect.name}"
    before = tick.adjusted.get(process.id)
    if now_there is None:
        return
    if now_there == value:
        if before is not None and before.value == value:
            _note_written(tick, process.id, before)
        elif not patience.waits(process, rule):
            _remember_heir(tick, process, value)
        return
    if before is not None and before.value == value and not before.write.due(tick.now):
        return
    if value > (now_there if before is None or now_there != before.value else before.original):
        return  # protection lowers or leaves: it makes nobody more killable than he was
    if patience.waits(process, rule):
        return
    if before is None or before.value != value:
        original = now_there if before is None else before.original
        write = NO_ATTEMPT if before is None else Attempt(touched=before.write.touched)
        before = Adjusted(process.comm, original, value, tick.now, home(process), write)
    step = SetOomScoreAdj(process.id, process.comm, value, noun=protect.process)
    because = (f"{process.label} matches {protect.process}; its oom_score_adj is {now_there}",)
    intent = tick.plan(step, rule, because, again=before.write.words or tick.scores.failing.get(rule, ""))
    if intent is not None:
        tick.adjusted[process.id] = replace(before, write=before.write.begun(intent.id, rule, tick.now))


def _remember_heir(tick: Tick, process: Process, value: int) -> None:
    """A process forked after the write inherited our value from its parent; the parent's own value is restored."""
    if process.id in tick.adjusted:
        return
    parents = (tick.adjusted.get(ancestor.id) for ancestor in tick.view.ancestors(process))
    parent = next((adjusted for adjusted in parents if adjusted is not None), None)
    if parent is not None:
        if parent.value == value:
            tick.adjusted[process.id] = replace(parent, comm=process.comm, restore=NO_ATTEMPT)
        return
    written = Origins(tick).of(process)
    if written is not None:
        tick.adjusted[process.id] = Adjusted(process.comm, written.original, value, written.since, home(process),
                                             Attempt(rule=written.rule, touched=True))


def _release(tick: Tick, keep: set[ProcessId]) -> None:
    """Give back what was there before. A value is forgotten when it is known to have been written, or never to have
    been changed: a crash before that must still find it (Law 5)."""
    done = {report.intent_id for report in tick.view.snapshot.reports if report.outcome.ok}
    for identity, adjusted in list(tick.adjusted.items()):
        restore = adjusted.restore
        if identity in keep:
            if restore.intent_id:
                tick.adjusted[identity] = replace(adjusted, restore=NO_ATTEMPT)
        elif restore.intent_id in done or tick.view.snapshot.alive(identity) is None or _unchanged(adjusted):
            del tick.adjusted[identity]
        elif restore.due(tick.now):
            why = f"{process_label(adjusted.comm, identity.pid)} is no longer protected; back to what it was"
            intent = tick.plan(SetOomScoreAdj(identity, adjusted.comm, adjusted.original), "protect", (why,),
                               again=restore.words)
            if intent is not None:
                tick.adjusted[identity] = replace(adjusted, restore=restore.begun(intent.id, "protect", tick.now))


def _unchanged(adjusted: Adjusted) -> bool:
    return bool(adjusted.write.words) and not adjusted.write.touched


def _tell_unwritten(tick: Tick) -> None:
    """What cannot be written, once a rule and reason and then hourly: the attempts between are no news."""
    unwritten: dict[tuple[str, str], int] = {}
    for attempt in (*(adjusted.write for adjusted in tick.adjusted.values()), *tick.scores.resets.values()):
        if attempt.words:
            unwritten[attempt.rule, attempt.words] = unwritten.get((attempt.rule, attempt.words), 0) + 1
    for (rule, words), count in unwritten.items():
        if tick.rate_limit(f"unwritten {rule} {words}"):
            who = "1 process" if count == 1 else f"{count} processes"
            tick.note(rule, f"oom_score_adj of {who} is not written: {words}; it is tried again ever more seldom, "
                            "hourly in the end", ok=False)

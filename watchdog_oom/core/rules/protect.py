"""[protect.NAME]: set oom_score_adj, restore it later, and leave no child protected by inheritance."""

from __future__ import annotations

from watchdog_oom.core.actions import SetOomScoreAdj
from watchdog_oom.core.history import Adjusted
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.policy import Children, Protect
from watchdog_oom.core.rules.would import tell_scores
from watchdog_oom.core.tick import Tick
from watchdog_oom.formatting import process_label
from watchdog_oom.lean_dataclasses import replace

RETRY_SECONDS = 60.0
NO_PROTECTION = 0


def apply(tick: Tick) -> None:
    """Protect the processes the policy names now, and release those it no longer names."""
    wanted = _wanted(tick)
    for process, protect, value in wanted.values():
        _set(tick, process, protect, value)
    _reset_children(tick, wanted)
    _release(tick, keep=set(wanted))
    tell_scores(tick)


def restore_all(tick: Tick) -> None:
    """The daemon stops: restore every value."""
    _release(tick, keep=set())


def owing(tick: Tick) -> bool:
    """Whether a value was given back in this tick, so that the next one will tell of it. What could not be written is
    left to the next life of the daemon."""
    return any(adjusted.restore_id and adjusted.tried_at == tick.now for adjusted in tick.adjusted.values())


def _wanted(tick: Tick) -> dict[ProcessId, tuple[Process, Protect, int]]:
    wanted: dict[ProcessId, tuple[Process, Protect, int]] = {}
    for protect in tick.view.policy.protects.values():
        if protect.oom_score_adj is None:
            continue
        for process in tick.view.matching(protect.process):
            known = wanted.get(process.id)
            if known is None or protect.oom_score_adj < known[2]:
                wanted[process.id] = (process, protect, protect.oom_score_adj)
    return wanted


def _set(tick: Tick, process: Process, protect: Protect, value: int) -> None:
    now_there = process.oom_score_adj
    before = tick.adjusted.get(process.id)
    if now_there is None:
        return
    if now_there == value:
        _remember_heir(tick, process, value)
        return
    if before is not None and before.value == value and tick.now - before.tried_at < RETRY_SECONDS:
        return
    if value > (now_there if before is None or now_there != before.value else before.original):
        return  # protection lowers or leaves: it makes nobody more killable than he was
    step = SetOomScoreAdj(process.id, process.comm, value, noun=protect.process)
    because = (f"{process.label} matches {protect.process}; its oom_score_adj is {now_there}",)
    if tick.plan(step, f"protect.{protect.name}", because) is not None:
        original = before.original if before is not None else now_there
        tick.adjusted[process.id] = Adjusted(process.comm, original, value, tick.now)


def _remember_heir(tick: Tick, process: Process, value: int) -> None:
    """A process forked after the write inherited our value from its parent; the parent's own value is restored."""
    if process.id in tick.adjusted:
        return
    parents = (tick.adjusted.get(ancestor.id) for ancestor in tick.view.ancestors(process))
    parent = next((adjusted for adjusted in parents if adjusted is not None), None)
    if parent is not None and parent.value == value:
        tick.adjusted[process.id] = replace(parent, comm=process.comm)


def _reset_children(tick: Tick, wanted: dict[ProcessId, tuple[Process, Protect, int]]) -> None:
    """A process forked after the write inherits it, also over exec; one that is not protected itself is set to 0."""
    resetting = {identity: value for identity, (_, protect, value) in wanted.items()
                 if protect.children is Children.RESET and value < NO_PROTECTION}
    if not resetting:
        return
    for process in tick.view.snapshot.processes.values():
        if process.oom_score_adj not in resetting.values() or process.id in wanted or process.dead:
            continue
        heir_of = next((a for a in tick.view.ancestors(process)
                        if resetting.get(a.id) == process.oom_score_adj), None)
        if heir_of is None or not tick.rate_limit(f"reset {process.id} {process.image}", RETRY_SECONDS):
            continue
        _, protect, _ = wanted[heir_of.id]
        because = (f"{process.label} inherited {process.oom_score_adj} from {heir_of.label} "
                   "and is not protected itself")
        tick.plan(SetOomScoreAdj(process.id, process.comm, NO_PROTECTION), f"protect.{protect.name}", (because,))


def _release(tick: Tick, keep: set[ProcessId]) -> None:
    """Give back what was there before. A value is forgotten when it is known to have been written: a crash before that
    must still find it (Law 5)."""
    written = {report.intent_id for report in tick.view.snapshot.reports if report.outcome.ok}
    for identity, adjusted in list(tick.adjusted.items()):
        if identity in keep:
            if adjusted.restore_id:
                tick.adjusted[identity] = replace(adjusted, restore_id="", tried_at=0.0)
        elif adjusted.restore_id in written or tick.view.snapshot.alive(identity) is None:
            del tick.adjusted[identity]
        elif not adjusted.restore_id or tick.now - adjusted.tried_at >= RETRY_SECONDS:
            why = f"{process_label(adjusted.comm, identity.pid)} is no longer protected; back to what it was"
            intent = tick.plan(SetOomScoreAdj(identity, adjusted.comm, adjusted.original), "protect", (why,))
            if intent is not None:
                tick.adjusted[identity] = replace(adjusted, restore_id=intent.id, tried_at=tick.now)

"""[protect.NAME]: tell the kernel, give back what was there before, and leave no child immune by inheritance."""

from __future__ import annotations

from watchdog_oom.core.actions import SetOomScoreAdj
from watchdog_oom.core.history import Adjusted
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.policy import Children, Protect
from watchdog_oom.core.tick import Turn
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import replace

RETRY_SECONDS = 60.0
NO_PROTECTION = 0


def apply(turn: Turn) -> None:
    """Protect what the policy names now, and release what it no longer names."""
    wanted = _wanted(turn)
    for process, protect, value in wanted.values():
        _set(turn, process, protect, value)
    _reset_children(turn, wanted)
    _release(turn, keep=set(wanted))


def restore_all(turn: Turn) -> None:
    """The daemon stops: every value goes back to what it was."""
    _release(turn, keep=set())


def _wanted(turn: Turn) -> dict[ProcessId, tuple[Process, Protect, int]]:
    wanted: dict[ProcessId, tuple[Process, Protect, int]] = {}
    for protect in turn.view.policy.protects.values():
        if protect.oom_score_adj is None:
            continue
        for process in turn.view.matching(protect.process):
            known = wanted.get(process.id)
            if known is None or protect.oom_score_adj < known[2]:
                wanted[process.id] = (process, protect, protect.oom_score_adj)
    return wanted


def _set(turn: Turn, process: Process, protect: Protect, value: int) -> None:
    now_there = process.oom_score_adj
    before = turn.adjusted.get(process.id)
    if now_there is None:
        return
    if now_there == value:
        _remember_heir(turn, process, value)
        return
    if before is not None and before.value == value and turn.now - before.tried_at < RETRY_SECONDS:
        return
    step = SetOomScoreAdj(process.id, process.comm, value, noun=protect.process)
    because = (f"{_who(process)} matches {protect.process}; its oom_score_adj is {now_there}",)
    if turn.plan(step, f"protect.{protect.name}", because) is not None:
        original = before.original if before is not None else now_there
        turn.adjusted[process.id] = Adjusted(process.comm, original, value, turn.now)


def _remember_heir(turn: Turn, process: Process, value: int) -> None:
    """One that was forked after the write got our value from its parent; what is given back is the parent's own."""
    if process.id in turn.adjusted:
        return
    parents = (turn.adjusted.get(ancestor.id) for ancestor in turn.view.ancestors(process))
    parent = next((adjusted for adjusted in parents if adjusted is not None), None)
    if parent is not None and parent.value == value:
        turn.adjusted[process.id] = replace(parent, comm=process.comm)


def _reset_children(turn: Turn, wanted: dict[ProcessId, tuple[Process, Protect, int]]) -> None:
    """A process forked after the write inherits it, over exec too; whoever is not protected itself goes back to 0."""
    resetting = {identity: value for identity, (_, protect, value) in wanted.items()
                 if protect.children is Children.RESET and value < NO_PROTECTION}
    if not resetting:
        return
    for process in turn.view.snapshot.processes.values():
        if process.oom_score_adj not in resetting.values() or process.id in wanted or process.dead:
            continue
        heir_of = next((a for a in turn.view.ancestors(process)
                        if resetting.get(a.id) == process.oom_score_adj), None)
        if heir_of is None or not turn.first_time(f"reset {process.id} {process.image}", RETRY_SECONDS):
            continue
        _, protect, _ = wanted[heir_of.id]
        because = (f"{_who(process)} inherited {process.oom_score_adj} from {_who(heir_of)} "
                   "and is not protected itself")
        turn.plan(SetOomScoreAdj(process.id, process.comm, NO_PROTECTION), f"protect.{protect.name}", (because,))


def _release(turn: Turn, keep: set[ProcessId]) -> None:
    for identity, adjusted in list(turn.adjusted.items()):
        if identity in keep:
            continue
        del turn.adjusted[identity]
        if turn.view.snapshot.alive(identity) is not None:
            turn.plan(SetOomScoreAdj(identity, adjusted.comm, adjusted.original), "protect",
                      (f"{printable(adjusted.comm)}[{identity.pid}] is no longer protected; back to what it was",))


def _who(process: Process) -> str:
    return f"{printable(process.comm)}[{process.pid}]"


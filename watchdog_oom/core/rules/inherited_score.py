"""Whoever has a protected value of oom_score_adj only because he was born to somebody who has it goes back to 0."""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.actions import SetOomScoreAdj
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.policy import Children, Protect
from watchdog_oom.core.rules.score_origin import NEWBORN_SECONDS, Origins
from watchdog_oom.core.rules.short_lived import Patience
from watchdog_oom.core.scores import NO_ATTEMPT, Written, home
from watchdog_oom.core.tick import Tick
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.lean_typing import TypeAlias

Wanted: TypeAlias = dict[ProcessId, tuple[Process, Protect, int]]

NO_PROTECTION = 0
_MOST_RESETS = 4096


def reset(tick: Tick, wanted: Wanted, patience: Patience) -> None:
    """Set heirs back to 0, children and orphans alike, unless they are protected themselves."""
    resetting = {identity: value for identity, (_, protect, value) in wanted.items()
                 if protect.children is Children.RESET and value < NO_PROTECTION}
    origins = Origins(tick)
    values = {*resetting.values(), *origins.values}
    for process in tick.view.snapshot.processes.values() if values else ():
        newborn = origins.newborn(process)
        if not newborn and process.oom_score_adj not in values:
            continue
        if process.dead or process.kernel_thread or process.id in wanted or process.id in tick.adjusted:
            continue
        if newborn:
            tick.watch_process(process.pid)
        if process.oom_score_adj in values:
            found = (_from_ancestor(tick, process, wanted, resetting)
                     or (_from_the_dead(tick, process, wanted, origins) if newborn else None))
            if found is not None:
                _reset(tick, process, *found, patience)
    _look_back(tick)


def _from_ancestor(tick: Tick, process: Process, wanted: Wanted,
                   resetting: dict[ProcessId, int]) -> tuple[str, str] | None:
    """The rule, and in words from whom it has the value."""
    for ancestor in tick.view.ancestors(process):
        if resetting.get(ancestor.id) == process.oom_score_adj:
            because = f"{process.label} inherited {process.oom_score_adj} from {ancestor.label}"
            return f"protect.{wanted[ancestor.id][1].name}", f"{because} and is not protected itself"
    return None


def _from_the_dead(tick: Tick, process: Process, wanted: Wanted, origins: Origins) -> tuple[str, str] | None:
    """The same for one whose parents have ended."""
    origin = origins.of(process)
    if origin is None or _may_stay(tick, process, origin, wanted):
        return None
    born = formatting.duration(max(0.0, process.started_boottime - origin.since))
    return origin.rule, (f"{process.label} shows {process.oom_score_adj}, which was written for {origin.label}; it was "
                         f"born {born} after that, its parents have ended, no other origin of the value is known, and "
                         "it is not protected itself")


def _may_stay(tick: Tick, process: Process, origin: Written, wanted: Wanted) -> bool:
    """Whether it may be protected itself, for all that is known yet, or the policy lets children keep the value."""
    rule = tick.view.policy.protects.get(origin.rule.removeprefix("protect."))
    inheriting = {(value, home(parent)) for parent, protect, value in wanted.values()
                  if protect.children is Children.INHERIT}
    return ((rule is not None and rule.children is Children.INHERIT)
            or (process.oom_score_adj, home(process)) in inheriting
            or tick.view.may_be_protected(process) is not None)


def _reset(tick: Tick, process: Process, rule: str, because: str, patience: Patience) -> None:
    attempt = tick.scores.resets.get(process.id, NO_ATTEMPT)
    if not attempt.due(tick.now) or patience.waits(process, rule):
        return
    intent = tick.plan(SetOomScoreAdj(process.id, process.comm, NO_PROTECTION), rule, (because,),
                       again=attempt.words or tick.scores.failing.get(rule, ""))
    if intent is not None:
        resets = {**tick.scores.resets, process.id: attempt.begun(intent.id, rule, tick.now)}
        tick.scores = replace(tick.scores, resets=resets)


def _look_back(tick: Tick) -> None:
    """Everybody is looked at for a while after his birth: at a first look the value is asked for, at a second one it is
    known. Forgotten are resets of those who are gone, and those that were done a while ago."""
    scores = tick.scores
    alive = tick.view.snapshot.alive
    resets = {identity: attempt for identity, attempt in scores.resets.items()
              if alive(identity) is not None and (attempt.failures or not attempt.due(tick.now))}
    until = max(scores.judged_until, tick.before.decided_at - NEWBORN_SECONDS)
    tick.scores = replace(scores, resets=dict(list(resets.items())[-_MOST_RESETS:]), judged_until=until)

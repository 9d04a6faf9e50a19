"""A frozen process is continued as soon as no rule asks for the freeze any more, and is forgotten only then (Law 5)."""

from __future__ import annotations

from collections.abc import Iterator

from watchdog_oom.core.actions import Signal, SignalName
from watchdog_oom.core.history import History, Thaw
from watchdog_oom.core.model import ProcessId, Snapshot
from watchdog_oom.core.policy import Policy, Then, Verb
from watchdog_oom.core.tick import Tick
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import replace

RETRY_SECONDS = 60.0
STOPPED = "T"  # by a signal; a traced process shows "t" (proc(5))


def thaw_unwanted(tick: Tick) -> None:
    """Continue the frozen processes for which no rule asked in this tick; call after all rules. One is forgotten only
    when CONT is known to have been sent: a crash before that must still find it."""
    sent = {report.intent_id for report in tick.view.snapshot.reports if report.outcome.ok}
    for identity, rule in list(tick.frozen.items()):
        thaw = tick.thawing.get(identity)
        if identity in tick.wanted_frozen:
            continue
        process = tick.view.snapshot.alive(identity)
        if process is None or (thaw is not None and thaw.intent_id in sent):
            del tick.frozen[identity]
            tick.thawing.pop(identity, None)
        elif thaw is None or tick.now - thaw.asked_at >= RETRY_SECONDS:
            why = tick.thaw_reasons.get(identity, "the rule no longer holds")
            intent = tick.plan(Signal(identity, process.comm, SignalName.CONT), rule, (why,))
            if intent is not None:
                tick.thawing[identity] = Thaw(intent.id, tick.now)


def owing(tick: Tick) -> bool:
    """Whether a CONT was planned in this tick, whose outcome the next one will report. One that could not be sent is
    left to the daemon's next start."""
    return any(thaw.asked_at == tick.now for thaw in tick.thawing.values())


def adopt_stopped(snapshot: Snapshot, policy: Policy, history: History) -> History:
    """The history of a daemon that starts and may not know all that the previous one froze: a stopped process that a
    freezing rule may be about, and that neither a debugger nor a terminal stopped, counts as frozen. So it is continued
    unless the rule asks for the freeze again."""
    view = View(snapshot, policy)
    found: dict[ProcessId, str] = {}
    for rule, noun in _freezing(policy):
        for process in view.matching(noun):
            if process.state == STOPPED and not process.tty and process.id not in history.frozen:
                found.setdefault(process.id, rule)
    return replace(history, frozen={**history.frozen, **found})


def _freezing(policy: Policy) -> Iterator[tuple[str, str]]:
    """The rules that freeze, each with a noun it is about."""
    for limit in policy.limits.values():
        if limit.then is Then.FREEZE:
            yield f"limit.{limit.name}", limit.process
    for recover in policy.recovers.values():
        for step in recover.steps:
            if step.verb is Verb.FREEZE:
                yield from ((f"recover.{recover.name}", noun) for noun in step.names)

"""The verb verify: the service is active, its main process stable, and its probe answers (Law 6)."""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.actions import NoteKind, Probe
from watchdog_oom.core.history import Probing, RecoveryRun
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.rules.recovery.progress import WAITING, Context, Progress, Status, done, failed
from watchdog_oom.lean_dataclasses import replace

PROBE_PAUSE_SECONDS = 1.0
VERIFY_SECONDS = 60.0


def verify(context: Context, run: RecoveryRun) -> tuple[RecoveryRun, Progress]:
    """Active, with the same main process for ``stable_for``, and the probe answers."""
    results: list[str] = []
    for name in context.step.names:
        if name in run.done:
            continue
        run, progress = _verify_one(context, run, name)
        if progress.status is not Status.WAITING:
            run = end_probing(context, run, ok=progress.status is Status.DONE)
        if progress.status is not Status.DONE:
            return run, progress
        results.append(progress.words)
        run = replace(run, done=run.done | {name}, active_since=None, active_pid=0, since=context.tick.now)
    return run, done("; ".join(results) or "verified")


def _verify_one(context: Context, run: RecoveryRun, name: str) -> tuple[RecoveryRun, Progress]:
    service, state = context.service(name), context.state(name)
    if name in run.down_before and name not in run.stopped:
        return run, done(f"{name} {context.why_left(name)}, nothing to verify")
    limit = context.step.within_seconds or (service.probe.within_seconds if service.probe else VERIFY_SECONDS)
    expired = context.tick.now - run.waiting_since >= limit + service.stable_for_seconds
    if state is not None and not state.knowable and state.sensed_boottime >= run.waiting_since:
        return _by_probe_alone(context, run, name, state.words, expired=expired)
    if state is None or state.sensed_boottime < run.waiting_since or state.status is ServiceStatus.UNKNOWN:
        return run, _late(expired, f"the state of {name} is not known after {formatting.duration(limit)}")  # Law 10
    if state.status is not ServiceStatus.ACTIVE:
        run = replace(_forget_probe(run, name), active_since=None)
        return run, _late(expired, f"{name} is {state.status} after {formatting.duration(limit)}")
    if run.active_since is None or (state.main_pid and state.main_pid != run.active_pid):
        run = replace(_forget_probe(run, name), active_since=context.tick.now, active_pid=state.main_pid)
    if run.active_since is None or context.tick.now - run.active_since < service.stable_for_seconds:
        return run, _late(expired, f"{name} is not stable")
    return _probe(context, run, name, expired=expired) if service.probe else (run, done(f"{name} is active and stable"))


def _by_probe_alone(context: Context, run: RecoveryRun, name: str, why: str, *,
                    expired: bool) -> tuple[RecoveryRun, Progress]:
    """A state that cannot be known is not waited for: the probe proves that it works, or nothing does."""
    service = context.service(name)
    if service.probe is None:
        return run, failed(f"the state of {name} cannot be known: {why}; give it a probe")
    if context.tick.now - run.waiting_since < service.stable_for_seconds:
        return run, WAITING
    return _probe(context, run, name, expired=expired)


def _probe(context: Context, run: RecoveryRun, name: str, *, expired: bool) -> tuple[RecoveryRun, Progress]:
    if not expired:
        run = _ask(context, run, name)
    report = context.report(run, f"probe {name}")
    if report is not None and run.probing is not None:
        told = report.outcome.words
        run = replace(run, probing=replace(run.probing, words=told))
        if report.outcome.ok:
            state = context.state(name)
            is_so = "is active, stable and answers" if state is None or state.knowable else "answers"
            return run, done(f"{name} {is_so}: {told}")
        if context.tick.now - report.boottime >= PROBE_PAUSE_SECONDS:
            run = _forget_probe(run, name)
    return run, _late(expired, _unanswered(run, name))


def _ask(context: Context, run: RecoveryRun, name: str) -> RecoveryRun:
    """Probe unless an answer is still to come or be judged. The first try begins the act, the others belong to it."""
    key = f"probe {name}"
    if key in run.asked:
        return run
    act = run.probing or Probing(name, "", context.tick.now)
    run, allowed = context.ask(run, key, Probe(name), part_of=act.intent_id)
    if not allowed:
        return run
    return replace(run, probing=replace(act, intent_id=act.intent_id or run.asked[key], tries=act.tries + 1))


def _unanswered(run: RecoveryRun, name: str) -> str:
    """Why it counts as not answering: the last answer that came, whatever is under way."""
    if run.probing is None:
        return f"the time of {name} was over before it could be probed"
    if not run.probing.words:
        return f"the probe of {name} does not end"
    return f"{name} does not answer: {_tries(run.probing)}"


def _tries(probing: Probing) -> str:
    asked = f" (asked {formatting.count(probing.tries, 'time')})" if probing.tries > 1 else ""
    return f"{probing.words or 'no answer came'}{asked}"


def end_probing(context: Context, run: RecoveryRun, *, ok: bool | None, why: str = "") -> RecoveryRun:
    """The last word on a service that was probed, if one is: once for all tries. ``ok`` is ``None`` where it was given
    up before its time was over."""
    probing = run.probing
    if probing is None:
        return run
    given_up = f"given up, because {why}; until then: " if why else ""
    context.tick.note(context.rule, f"{given_up}{_tries(probing)}", kind=NoteKind.OUTCOME, incident=run.incident, ok=ok,
                      action=str(Probe(probing.service)), took_seconds=round(context.tick.now - probing.since, 3),
                      intent_id=probing.intent_id, tries=probing.tries)
    return replace(run, probing=None)


def _forget_probe(run: RecoveryRun, name: str) -> RecoveryRun:
    """Probe again at the next tick: the answer of one main process says nothing about the next."""
    return replace(run, asked={key: value for key, value in run.asked.items() if key != f"probe {name}"})


def _late(expired: bool, why: str) -> Progress:
    return failed(why) if expired else WAITING

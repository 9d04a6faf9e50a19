"""What becomes of an administrator's request: history and request in, history and answer out. Pure."""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.cleaning import Cleaning
from watchdog_oom.core.history import History, Recovery
from watchdog_oom.core.model import Clock
from watchdog_oom.core.pause import ALL, EMERGENCY, Pause, in_force, pause_of
from watchdog_oom.core.policy import Mode, Policy
from watchdog_oom.core.requests import PauseRule, Rearm, Reload, ResumeRule, Ruling, RunNow, Steering
from watchdog_oom.core.rules.recovery.transaction import SUCCESS
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass, field, replace
from watchdog_oom.lean_typing import assert_never

REFUSED, UNKNOWN = 1, 2  # exit statuses of the command
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Desk:
    """What a request is judged by, and who asks."""

    policy: Policy
    history: History
    clock: Clock
    by: str
    pauses: dict[str, Pause] = field(default_factory=dict)


def steer(request: Steering, by: str, policy: Policy, history: History, clock: Clock) -> tuple[History, Ruling]:
    """``by`` is who asks, in words. A refused request changes nothing."""
    desk = Desk(policy, history, clock, by, in_force(history.pauses, clock.boottime))
    if isinstance(request, Reload):
        waits = "; a new policy waits for the recovery under way to end" if _running(desk, ALL) else ""
        return history, Ruling(f"the policy files are read again{waits}", follow=True)
    named = ALL if request.rule is None else _whole_name(desk, request.rule)
    if isinstance(named, Ruling):
        return history, named
    match request:
        case PauseRule():
            history, answer = _pause(desk, named, request)
        case ResumeRule():
            history, answer = _resume(desk, named)
        case Rearm():
            history, answer = _rearm(desk, named)
        case RunNow():
            history, answer = _run(desk, named, request)
        case _:
            assert_never(request)
    return history, replace(answer, rule=named)


def rule_names(policy: Policy) -> tuple[str, ...]:
    """The whole names of all rules."""
    kinds = (("protect", policy.protects), ("limit", policy.limits), ("recover", policy.recovers),
             ("clean", policy.cleans))
    return (*(f"{kind}.{name}" for kind, rules in kinds for name in rules), EMERGENCY)


def came_out(rule: str, since: float, history: History) -> Ruling | None:
    """How the run of a rule ended that was asked for at ``since``; ``None`` while it is under way."""
    kind, _, name = rule.partition(".")
    if rule in history.asked:
        return None
    if kind == "clean":
        return _cleaned(rule, since, history.cleans.get(name))
    state = history.recoveries.get(name, Recovery())
    if state.run is not None:
        return None
    if state.ended is None or state.ended < since:
        return Ruling(f"{rule} was not begun", REFUSED, rule)
    down = f"; still down: {', '.join(state.owed)}" if state.owed else ""
    good = state.last_result == SUCCESS and not down
    return Ruling(f"{rule}: {state.last_result}{down}", 0 if good else REFUSED, rule)


def _cleaned(rule: str, since: float, state: Cleaning | None) -> Ruling | None:
    if state is not None and state.runs:
        return None
    if state is None or state.last_ended is None or state.last_ended < since:
        return Ruling(f"{rule} was not begun", REFUSED, rule)
    return Ruling(f"{rule}: {state.last_result}", 0 if state.last_ok else REFUSED, rule)


def _whole_name(desk: Desk, word: str) -> str | Ruling:
    """A rule that has left the policy can still be resumed."""
    names = tuple(dict.fromkeys((*rule_names(desk.policy), *(rule for rule in desk.pauses if rule != ALL))))
    found = [name for name in names if name == word] or [name for name in names if name.partition(".")[2] == word]
    if len(found) == 1:
        return found[0]
    told = f"is the name of several rules: {', '.join(found)}" if found else "is the name of no rule"
    return Ruling(f'"{printable(word)}" {told}', UNKNOWN, names=() if found else names)


def _pause(desk: Desk, rule: str, request: PauseRule) -> tuple[History, Ruling]:
    known = pause_of(desk.pauses, rule)
    if known is not None:
        return desk.history, Ruling(f"{_called(rule)} paused already {_told(known, desk.clock)}", REFUSED)
    seconds = request.for_seconds
    pause = Pause(desk.clock.boottime + seconds, desk.clock.wall + seconds, desk.by, request.why)
    running = "; the recovery under way finishes first" if _running(desk, rule) else ""
    words = f"{_called(rule)} paused until {_until(pause, desk.clock)}: what would be done is only reported{running}"
    if rule == ALL:
        words += "; the emergency rule goes on to act"
    return replace(desk.history, pauses={**desk.pauses, rule: pause}), Ruling(words)


def _resume(desk: Desk, rule: str) -> tuple[History, Ruling]:
    ended = [name for name in desk.pauses if name == rule or (rule == ALL and name != EMERGENCY)]
    if not ended and rule not in (ALL, EMERGENCY) and ALL in desk.pauses:
        told = _told(desk.pauses[ALL], desk.clock)
        return desk.history, Ruling(f"{rule} is paused with all rules {told}; resume --all ends that", REFUSED)
    if not ended:
        return desk.history, Ruling(f"{_called(rule)} not paused", REFUSED)
    left = {name: pause for name, pause in desk.pauses.items() if name not in ended}
    was = "; ".join(f"{_called(name)} no longer {desk.pauses[name].words}" for name in ended)
    still = "; the emergency rule is still paused" if rule == ALL and EMERGENCY in left else ""
    return replace(desk.history, pauses=left), Ruling(was + still)


def _rearm(desk: Desk, rule: str) -> tuple[History, Ruling]:
    kind, _, name = rule.partition(".")
    state = desk.history.recoveries.get(name, Recovery())
    if kind != "recover":
        return desk.history, Ruling(f"{rule} is no recovery: only those are held", UNKNOWN)
    if state.run is not None:
        return desk.history, _under_way(desk, rule)
    held = "its hold is lifted" if state.held_since is not None else "it was not held"
    forgotten = formatting.count(len(state.started), "attempt")
    armed = replace(state, started=(), held_since=None, unhelped=0, ended=None)
    return (replace(desk.history, recoveries={**desk.history.recoveries, name: armed}),
            Ruling(f"{rule} is armed: {held}, {forgotten} and the cooldown are forgotten"))


def _run(desk: Desk, rule: str, request: RunNow) -> tuple[History, Ruling]:
    kind, _, name = rule.partition(".")
    if kind not in ("recover", "clean"):
        return desk.history, Ruling(f"{rule} is neither a recovery nor a cleaning: only those are run", UNKNOWN)
    if _running(desk, rule):
        return desk.history, _under_way(desk, rule)
    why_not = _why_not(desk, rule, name)
    if why_not:
        return desk.history, Ruling(f"{rule} is not run: {why_not}", REFUSED)
    because = f"asked for by {desk.by}" + (f": {request.why}" if request.why else "")
    steps = desk.policy.recovers[name].steps if kind == "recover" else ()
    how = f"now: {formatting.count(len(steps), 'step')}" if steps else "as soon as it may"
    return (replace(desk.history, asked={**desk.history.asked, rule: because}),
            Ruling(f"{rule} runs {how}", follow=True))


def _why_not(desk: Desk, rule: str, name: str) -> str:
    recover = desk.policy.recovers.get(name) if rule.startswith("recover.") else None
    rules = recover or desk.policy.cleans.get(name)
    state = desk.history.recoveries.get(name, Recovery())
    pause = pause_of(desk.pauses, rule)
    recent = [at for at in state.started if desk.clock.boottime - at < (recover.per_seconds if recover else 0)]
    if rules is None:
        return "it is not in the policy any more"
    if desk.history.stopping:
        return "the daemon stops"
    if pause is not None:
        return f"it is paused {_told(pause, desk.clock)}"
    if rules.mode is Mode.OBSERVE:
        return "it only observes"
    if recover is not None and (state.held_since is not None or len(recent) >= recover.attempts):
        return f"its {formatting.count(recover.attempts, 'attempt')} are used up; rearm {rule} lifts that"
    return ""


def _running(desk: Desk, rule: str) -> bool:
    """Whether the recovery, or for all rules any, is under way or was asked for just now."""
    under_way = {f"recover.{name}" for name, state in desk.history.recoveries.items() if state.run is not None}
    if rule != ALL:
        under_way |= {f"clean.{name}" for name, state in desk.history.cleans.items() if state.runs}
    return bool(under_way) if rule == ALL else rule in under_way or rule in desk.history.asked


def _under_way(desk: Desk, rule: str) -> Ruling:
    run = desk.history.recoveries.get(rule.partition(".")[2], Recovery()).run
    asked = desk.history.asked.get(rule, "")
    if run is None:
        return Ruling(f"{rule} is about to run already, or runs: {asked or 'it was due'}", REFUSED)
    since = formatting.duration(desk.clock.boottime - run.opened)
    why = "; ".join(run.because)
    return Ruling(f"{rule} is under way already, for {since} (incident {run.incident}): {why}", REFUSED)


def _told(pause: Pause, clock: Clock) -> str:
    return f"by {pause.by} until {_until(pause, clock)}" + (f" because {pause.why}" if pause.why else "")


def _until(pause: Pause, clock: Clock) -> str:
    """The local time of day, and how long that is from now."""
    left = max(0.0, pause.until - clock.boottime)
    days, minute = divmod(int((clock.local_minute * 60 + clock.wall % 60 + left) // 60), _DAY_MINUTES)
    day = " tomorrow" if days == 1 else f" in {days} days" if days else ""
    return f"{minute // 60:02d}:{minute % 60:02d}{day} ({formatting.duration(max(1.0, left))} from now)"


def _called(rule: str) -> str:
    return "all rules are" if rule == ALL else f"{rule} is"

"""What a rule or an action is about, by name, so that two policies can be compared. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from watchdog_oom.core.actions import Action, Contain, Purge, Signal
from watchdog_oom.core.policy import Policy, Recover, RecoveryStep, Verb

_ABOUT_SERVICES = (Verb.STOP, Verb.RESTART, Verb.START, Verb.VERIFY)


def of_action(action: Action) -> str:
    """The unit, the spool or the name of the process; nothing of what a recovery alone does."""
    if isinstance(action, Signal):
        return action.comm
    if isinstance(action, Contain):
        return action.unit
    return action.spool if isinstance(action, Purge) else ""


def of_recover(policy: Policy, recover: Recover) -> tuple[str, ...]:
    """The units of its services first, then its spools and processes."""
    steps = sorted(recover.steps, key=lambda step: step.verb not in _ABOUT_SERVICES)
    return tuple(dict.fromkeys(name for step in steps for name in _of_step(policy, step)))


def nouns_of(policy: Policy) -> dict[str, tuple[str, ...]]:
    """The process nouns that each rule asks about, those that these name in turn included."""
    asked: dict[str, tuple[str, ...]] = {f"limit.{name}": (limit.process,) for name, limit in policy.limits.items()}
    asked |= {f"protect.{name}": (protect.process,) for name, protect in policy.protects.items()}
    asked |= {f"recover.{name}": tuple(_of_recovery(recover)) for name, recover in policy.recovers.items()}
    if policy.emergency.prefer:
        asked["emergency"] = policy.emergency.prefer
    return {rule: _with_named(policy, names) for rule, names in asked.items()}


def _of_step(policy: Policy, step: RecoveryStep) -> Iterator[str]:
    for name in step.names:
        service = policy.services.get(name) if step.verb in _ABOUT_SERVICES else None
        yield service.unit if service is not None else name


def _of_recovery(recover: Recover) -> Iterator[str]:
    for clause in recover.when:
        for condition in clause.conditions:
            noun = getattr(condition, "noun", None)
            if noun is not None:
                yield noun
    for step in recover.steps:
        if step.verb in (Verb.KILL, Verb.FREEZE, Verb.CONTAIN):
            yield from step.names


def _with_named(policy: Policy, names: tuple[str, ...]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or name not in policy.processes:
            continue
        found[name] = None
        noun = policy.processes[name]
        waiting += [*noun.parent, *noun.excepted]
    return tuple(found)

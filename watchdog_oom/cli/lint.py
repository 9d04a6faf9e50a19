"""Warnings that need no host: what is valid in a policy and yet hardly meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

from watchdog_oom.conditions import Condition
from watchdog_oom.policy.lines import Path
from watchdog_oom.policy.types import Policy, Recover, Then, Verb

Warned: TypeAlias = tuple[Path, str]
COMM_BYTES = 15
_ENDING = (Verb.KILL, Verb.FREEZE)


def lint(policy: Policy, values: Mapping[str, Any]) -> Iterator[Warned]:
    """Every warning with the path of its table and key; ``values`` are the policy's plain values, globs as written."""
    yield from _names_too_long(values)
    yield from _forgeable(policy)
    yield from _protected_targets(policy)
    yield from _without_verify(policy)
    yield from _unused(policy)


def ending_steps(recover: Recover) -> Iterator[tuple[Path, str]]:
    """The process nouns that a recovery kills or freezes, each with the place of its step."""
    for index, step in enumerate(recover.steps):
        if step.verb in _ENDING:
            for name in step.names:
                yield ("recover", recover.name, "steps", index, step.verb.value), name


def targets(policy: Policy) -> Iterator[tuple[Path, str]]:
    """Every place at which a rule may end or freeze processes of a noun, and the noun."""
    for limit in policy.limits.values():
        if limit.then is not Then.REPORT:
            yield ("limit", limit.name, "process"), limit.process
    for recover in policy.recovers.values():
        yield from ending_steps(recover)
    for name in policy.emergency.prefer:
        yield ("emergency", "prefer"), name


def _names_too_long(values: Mapping[str, Any]) -> Iterator[Warned]:
    for noun, table in values.get("process", {}).items():
        for glob in table.get("name", ()):
            if len(glob.encode()) > COMM_BYTES and not set("*?[").intersection(glob):
                short = glob.encode()[:COMM_BYTES].decode("utf-8", "ignore")
                yield (("process", noun, "name"),
                       f'"{glob}" never matches: the kernel keeps {COMM_BYTES} bytes of a name; write "{short}"')


def _forgeable(policy: Policy) -> Iterator[Warned]:
    for noun in policy.processes.values():
        if noun.cmdline and not (noun.exe or noun.user or noun.unit or noun.comm):
            yield (("process", noun.name, "cmdline"),
                   "the command line alone selects, and every user can give a process any command line: "
                   "add exe, user or unit")


def _protected_targets(policy: Policy) -> Iterator[Warned]:
    protected = {protect.process: protect.name for protect in policy.protects.values()}
    for path, noun in targets(policy):
        if noun in protected:
            yield path, f"{noun} is protected by protect.{protected[noun]}, so nothing is ever done to it here"


def _without_verify(policy: Policy) -> Iterator[Warned]:
    for recover in policy.recovers.values():
        verbs = {step.verb for step in recover.steps}
        done = [verb.value for verb in (Verb.KILL, Verb.PURGE) if verb in verbs]
        if done and Verb.VERIFY not in verbs:
            yield (("recover", recover.name, "steps"),
                   f"there is a {' and a '.join(done)} but no verify: nothing tells whether the service works again")


def _unused(policy: Policy) -> Iterator[Warned]:
    used = _used(policy)
    for kind, nouns in (("process", policy.processes), ("spool", policy.spools), ("service", policy.services)):
        for name in nouns:
            if (kind, name) not in used:
                yield (kind, name), "nothing uses it"


def _used(policy: Policy) -> set[tuple[str, str]]:
    """Kind and name of every noun that a rule, a clause or another noun names."""
    used = {("process", rule.process) for rule in (*policy.protects.values(), *policy.limits.values())}
    used |= {("process", name) for name in policy.emergency.prefer}
    for noun in policy.processes.values():
        used |= {("process", name) for name in noun.parent} | {("spool", name) for name in noun.under}
    for recover in policy.recovers.values():
        for step in recover.steps:
            kind = "process" if step.verb in _ENDING else "spool" if step.verb is Verb.PURGE else "service"
            used |= {(kind, name) for name in step.names}
        for clause in recover.when:
            used |= {found for condition in clause.conditions for found in _subject(condition)}
    return used


def _subject(condition: Condition) -> Iterator[tuple[str, str]]:
    """The noun a condition is about: conditions are dataclasses whose subject stands in a field of its kind's name."""
    if not is_dataclass(condition):
        return
    kinds = {"noun": "process", "spool": "spool", "service": "service"}
    for field in fields(condition):
        name = getattr(condition, field.name)
        if field.name in kinds and isinstance(name, str):
            yield kinds[field.name], name

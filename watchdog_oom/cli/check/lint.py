"""Warnings that do not need the host: what is valid in a policy but probably a mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from watchdog_oom.cli.check.explosive import why_explosive
from watchdog_oom.cli.check.lint_circumstances import circumstances
from watchdog_oom.cli.check.warned import Warned
from watchdog_oom.core.nouns import Namespaces, Size
from watchdog_oom.core.policy import Emergency, Policy, Recover, Then, Verb
from watchdog_oom.core.shortage import watches_pressure
from watchdog_oom.policy.lines import Path
from watchdog_oom.policy.schema import CLAUSE, NOUN_OF_FORM, NOUNS

LARGEST_SHARE = 50.0
LEAST_PRESSURE_PERCENT = 30.0
LEAST_PRESSURE_SECONDS = 10.0
LEAST_EVERY_SECONDS = 60.0
_ENDING = (Verb.KILL, Verb.FREEZE, Verb.CONTAIN)


def lint(policy: Policy, values: Mapping[str, Any]) -> Iterator[Warned]:
    """Every warning with the path of its table and key; ``values`` are the policy's plain values, globs as written."""
    yield from _forgeable(policy)
    yield from _anybodys_units(values)
    yield from _explosive(values)
    yield from _protected_targets(policy)
    yield from circumstances(policy)
    yield from _without_verify(policy)
    yield from _cleans(policy)
    yield from _emergency(policy.emergency)
    yield from _unused(policy, values)


def ending_steps(recover: Recover) -> Iterator[tuple[Path, str]]:
    """The process nouns that a recovery kills or freezes, each with the place of its step."""
    for index, step in enumerate(recover.steps):
        if step.verb in _ENDING:
            for name in step.names:
                yield ("recover", recover.name, "steps", index, step.verb.value), name


def targets(policy: Policy) -> Iterator[tuple[Path, str]]:
    """Every place at which a rule may kill or freeze processes of a noun, with the noun."""
    for limit in policy.limits.values():
        if limit.then is not Then.REPORT:
            yield ("limit", limit.name, "process"), limit.process
    for recover in policy.recovers.values():
        yield from ending_steps(recover)
    for name in policy.emergency.prefer:
        yield ("emergency", "prefer"), name


def _forgeable(policy: Policy) -> Iterator[Warned]:
    for noun in policy.processes.values():
        if noun.cmdline and not (noun.exe or noun.user or noun.unit or noun.comm):
            yield (("process", noun.name, "cmdline"),
                   "only the command line selects, and any user can set it: add exe, user or unit")
        if noun.namespaces is Namespaces.ANY and noun.exe and not (noun.user or noun.unit):
            yield (("process", noun.name, "namespaces"),
                   "any user can show any exe in a namespace of his own: add user or unit")


def _anybodys_units(values: Mapping[str, Any]) -> Iterator[Warned]:
    for noun, table in values.get("process", {}).items():
        for unit in table.get("unit", ()):
            manager, slash, _ = unit.partition("/")
            if slash and not table.get("user") and any(wildcard in manager for wildcard in "*?["):
                named = f'"{unit}": every user can call a unit of his own so'
                yield ("process", noun, "unit"), f"{named}: add user, or name the user, as user@1000.service/…"


def _explosive(values: Mapping[str, Any]) -> Iterator[Warned]:
    for noun, table in values.get("process", {}).items():
        for pattern in table.get("cmdline", ()):
            why = why_explosive(pattern)
            if why is not None:
                slow = f'"{pattern}" can take very long in a command line made for it, and then counts as not matching'
                yield ("process", noun, "cmdline"), f"{slow}: {why}"


def _protected_targets(policy: Policy) -> Iterator[Warned]:
    protected = {protect.process: protect.name for protect in policy.protects.values()}
    for path, noun in targets(policy):
        if noun in protected:
            yield path, f"{noun} is protected by protect.{protected[noun]}, so this never acts on it"


def _without_verify(policy: Policy) -> Iterator[Warned]:
    for recover in policy.recovers.values():
        verbs = {step.verb for step in recover.steps}
        done = [verb.value for verb in (Verb.KILL, Verb.PURGE) if verb in verbs]
        if done and Verb.VERIFY not in verbs and recover.verify:
            unproved = "nothing checks that the service works again; if there is none, write verify = false"
            yield ("recover", recover.name, "steps"), f"there is a {' and a '.join(done)} but no verify: {unproved}"
        if Verb.VERIFY in verbs and not recover.verify:
            yield ("recover", recover.name, "verify"), "it is false, and there is a verify step"


def _cleans(policy: Policy) -> Iterator[Warned]:
    """Two for one directory, which only take turns, and one that hardly pauses."""
    first: dict[str, str] = {}
    for clean in policy.cleans.values():
        other = first.setdefault(policy.spools[clean.spool].path, clean.name)
        if other != clean.name:
            yield ("clean", clean.name, "spool"), f"clean.{other} cleans the same directory already"
        if clean.every_seconds < LEAST_EVERY_SECONDS:
            yield (("clean", clean.name, "every"),
                   "its spool is hardly ever left alone: write 1min or more; a recovery is for what is urgent")


def _emergency(emergency: Emergency) -> Iterator[Warned]:
    """Thresholds that are met on a healthy host, and those that are never met."""
    memory, pressure = emergency.memory_available_below, emergency.pressure_full_above
    if memory in (Size(percent=0.0), Size(amount_bytes=0)):
        yield ("emergency", "memory_available_below"), "the emergency never acts: nothing is below this"
    elif memory.percent is not None and memory.percent > LARGEST_SHARE:
        yield (("emergency", "memory_available_below"),
               f"processes are ended while {memory.percent:g}% is available, as on many a healthy host")
    if pressure < LEAST_PRESSURE_PERCENT:
        what = f"a busy host that is short of memory reaches {pressure:g}% and works on"
        yield ("emergency", "pressure_full_above"), f"{what}: write {LEAST_PRESSURE_PERCENT:g}% or more"
    if emergency.pressure_for_seconds < LEAST_PRESSURE_SECONDS and watches_pressure(emergency):
        yield (("emergency", "pressure_for"),
               f"one burst lifts the average over 10 s for that long: write {LEAST_PRESSURE_SECONDS:g}s or more")


def _unused(policy: Policy, values: Mapping[str, Any]) -> Iterator[Warned]:
    used = _used(policy) | _used_in_clauses(values)
    for kind in NOUNS:
        for name in values.get(kind, {}):
            if (kind, name) not in used:
                yield (kind, name), "nothing uses it"


def _used(policy: Policy) -> set[tuple[str, str]]:
    """Kind and name of every noun that a rule, a step or another noun names."""
    used = {("process", name) for name in policy.emergency.prefer}
    used |= {("process", protect.process) for protect in policy.protects.values()}
    used |= {("process", limit.process) for limit in policy.limits.values()}
    for noun in policy.processes.values():
        used |= {("process", name) for name in (*noun.parent, *noun.excepted)
                 if name != noun.name} | {("spool", name) for name in noun.under}
    used |= {("spool", clean.spool) for clean in policy.cleans.values()}
    for recover in policy.recovers.values():
        for step in recover.steps:
            kind = "process" if step.verb in _ENDING else "spool" if step.verb is Verb.PURGE else "service"
            used |= {(kind, name) for name in step.names}
    return used


def _used_in_clauses(values: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(NOUN_OF_FORM[CLAUSE[key].form], name)
            for recover in values.get("recover", {}).values() for clause in recover["when"]
            for key, name in clause.items() if CLAUSE[key].form in NOUN_OF_FORM}

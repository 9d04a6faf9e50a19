"""The clauses of ``when`` and the steps of a recovery: which keys belong together and which exclude each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from watchdog_oom.core.condition import Family
from watchdog_oom.core.conditions.registry import families
from watchdog_oom.core.policy import Verb
from watchdog_oom.lean_typing import Any
from watchdog_oom.policy.checker import Checker
from watchdog_oom.policy.lines import Path
from watchdog_oom.policy.schema import CLAUSE, STEP
from watchdog_oom.policy.texts import described

_VERBS = tuple(verb.value for verb in Verb)
_STOPPING = (Verb.STOP.value, Verb.RESTART.value)


def check_clauses(check: Checker, path: Path, value: object) -> tuple[dict[str, Any], ...] | None:
    """Every clause with its keys converted; ``None`` if ``when`` is not a list of clauses."""
    def clause(place: Path, table: Mapping[str, Any]) -> dict[str, Any]:
        values = check.keys(place, table, CLAUSE)
        if not any(key in table for key in CLAUSE if key != "for"):
            check.fault(place, f"has no condition: give one of {', '.join(key for key in CLAUSE if key != 'for')}")
        for family in families():
            _check_family(check, place, table, family)
        return values

    return _tables(check, path, value, clause, '[{ memory_available_below = "10%" }]')


def _check_family(check: Checker, place: Path, table: Mapping[str, Any], family: Family) -> None:
    """A subject needs a key of its family, and such a key needs the subject."""
    if family.subject is None:
        return
    said = [key for key in family.keys if key in table and key != family.subject]
    if said and family.subject not in table:
        check.fault((*place, said[0]), f'of which {family.subject}? add {family.subject} = "NAME" to the same clause')
    if family.subject in table and not said:
        others = [key for key in family.keys if key != family.subject]
        wanted = f"one of {', '.join(others)}" if len(others) > 1 else f"{others[0]} = true"
        check.fault((*place, family.subject), f"says nothing of the {family.subject} yet: add {wanted}")


def check_steps(check: Checker, path: Path, value: object) -> tuple[dict[str, Any], ...] | None:
    """Every step with its keys converted; ``None`` if ``steps`` is not a list of steps."""
    stopping = False

    def step(place: Path, table: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal stopping
        values = check.keys(place, table, STEP)
        verbs = [key for key in table if key in _VERBS]
        if len(verbs) != 1:
            found = f"has {len(verbs)} verbs ({', '.join(verbs)}): make them steps of their own" if verbs else \
                f"has no verb: give one of {', '.join(_VERBS)}"
            check.fault(place, found)
        if values.get("start") == "stopped" and not stopping:
            check.fault((*place, "start"), '"stopped" means what an earlier step stopped, and none stops anything')
        if "wait" in table and "within" in table:
            check.fault((*place, "within"), "a wait is a time already and cannot have another")
        contains = Verb.CONTAIN.value in table
        check_bounds(check, place, table, values, contains=contains, wanted='contain = "NAME"')
        if contains and "memory_high" not in table:
            check.fault((*place, Verb.CONTAIN.value), 'at what size? add memory_high = "SIZE" to the same step')
        stopping = stopping or any(verb in table for verb in _STOPPING)
        return values

    return _tables(check, path, value, step, '[{ kill = "NAME" }]')


def check_bounds(check: Checker, path: Path, table: Mapping[str, Any], values: Mapping[str, Any], *, contains: bool,
                 wanted: str) -> None:
    """``memory_high`` and ``memory_max`` belong to containment, and ``memory_max`` is the larger one."""
    if not contains:
        for key in ("memory_high", "memory_max"):
            if key in table:
                check.fault((*path, key), f"means nothing without {wanted}")
        return
    high, maximum = values.get("memory_high"), values.get("memory_max")
    if high is not None and maximum is not None and high[0] == maximum[0] and maximum[1] < high[1]:
        check.fault((*path, "memory_max"), "must not be less than memory_high, above which it is only slowed down")


def _tables(check: Checker, path: Path, value: object, one: Callable[[Path, Mapping[str, Any]], dict[str, Any]],
            example: str) -> tuple[dict[str, Any], ...] | None:
    if not isinstance(value, list):
        check.fault(path, f"must be a list of tables like {example}, not {described(value)}")
        return None
    if not value:
        check.fault(path, f"the list is empty: write it like {example}")
    found = []
    for index, table in enumerate(value):
        if isinstance(table, dict):
            found.append(one((*path, index), table))
        else:
            check.fault((*path, index), f"must be a table in braces, not {described(table)}")
    return tuple(found)

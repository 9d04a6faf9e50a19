"""When? One file a condition family; this page is the registry and the shape they share.

A family owns the keys of a ``when`` clause that belong together: those about one subject (``process``, ``spool``,
``service``) or, without a subject, about the host. The policy schema is made from this registry, so a new condition in
a family touches that family's file only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Protocol

from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.view import View


class Kind(StrEnum):
    """What the value of a key must be; the schema turns it into a check and into words."""

    SIZE = "size"
    DURATION = "duration"
    PERCENT = "percent"
    COUNT = "count"
    TRUE = "true"
    PROCESS = "process name"
    PROCESS_OR_ANY = "process name or any"
    SPOOL = "spool name"
    SERVICE = "service name"
    SIZE_OR_COUNT = "percent or count"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a condition found: whether it holds, and the measured fact in words, for the page and for "why not".

    ``known`` is false where the reading is missing: such a finding neither fires nor resets anything (Law 10).
    """

    holds: bool
    words: str
    known: bool = True


class Condition(Protocol):
    """One compiled condition: frozen, equal by value, without a clock of its own."""

    def find(self, view: View) -> Finding: ...


@dataclass(frozen=True, slots=True)
class Family:
    """Keys that belong together. ``subject`` is the key that names the noun; ``build`` gets the clause's values for the
    family's keys, checked and converted by their Kind (a duration in seconds, a size as Size), subject included."""

    keys: Mapping[str, Kind]
    build: Callable[[Mapping[str, Any]], Condition]
    subject: str | None = None


def evidence(condition: Condition, view: View) -> str | None:
    """The condition's evidence in words, or nothing where it does not hold."""
    finding = condition.find(view)
    return finding.words if finding.holds else None


def verdict(findings: Iterable[Finding]) -> bool | None:
    """Whether all findings hold; ``None`` where a reading is missing and no other finding decides."""
    answers = {finding.holds if finding.known else None for finding in findings}
    return False if False in answers else None if None in answers else True


def families() -> tuple[Family, ...]:
    """Every family, in the order in which the reference lists them."""
    from watchdog_oom.conditions import kernel, memory, pressure, process, service, spool
    return (memory.FAMILY, pressure.FAMILY, kernel.FAMILY, service.FAMILY, process.FAMILY, spool.FAMILY)


def build(values: Mapping[str, Any]) -> tuple[Condition, ...]:
    """The conditions of one clause from its checked and converted values (``for`` apart).

    A family without a subject has one condition for each of its keys; a family with a subject has one condition for all
    of them, so that ``rss_above`` and ``runtime_above`` in one clause mean the same process.
    """
    conditions: list[Condition] = []
    for family in families():
        mine = {key: values[key] for key in family.keys if key in values}
        if not mine:
            continue
        if family.subject is None:
            conditions.extend(family.build({key: value}) for key, value in mine.items())
        else:
            conditions.append(family.build(mine))
    return tuple(conditions)

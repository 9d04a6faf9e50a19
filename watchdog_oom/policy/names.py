"""Names across files: what a table refers to, whether it exists, the nearest known name, circles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from watchdog_oom.errors import Fault
from watchdog_oom.lean_dataclasses import dataclass, field
from watchdog_oom.lean_typing import Any, TypeAlias

Nouns: TypeAlias = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to a noun; ``place`` is a fault without its text."""

    noun: str
    name: str
    place: Fault


@dataclass(frozen=True, slots=True)
class Table:
    """One ``[kind.NAME]`` of one file, converted as far as it is valid; ``name`` is empty for ``[emergency]``.

    ``warnings`` are about what is valid but probably a mistake.
    """

    kind: str
    name: str
    values: dict[str, Any]
    references: list[Reference] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


def nearest(name: str, choices: Iterable[str]) -> str:
    """The text `` — did you mean "…"?``, or nothing if no choice is similar."""
    import difflib  # only mistakes need it
    known = list(choices)
    by_lower = {choice.lower(): choice for choice in known}
    close = [by_lower[name.lower()]] if name.lower() in by_lower else difflib.get_close_matches(name, known, 1)
    return f' — did you mean "{close[0]}"?' if close else ""


def dangling(tables: Iterable[Table], nouns: Nouns) -> list[Fault]:
    """A fault for each reference to a name that no noun of the required kind has."""
    return [_fault(reference.place, _missing(reference, nouns))
            for table in tables for reference in table.references
            if reference.name not in nouns.get(reference.noun, ())]


def _missing(reference: Reference, nouns: Nouns) -> str:
    noun, name = reference.noun, reference.name
    other = next((kind for kind, names in nouns.items() if name in names), None)
    if other is not None:
        return f'"{name}" is a {other}, but a {noun} is needed here'
    if noun == "service" and name == "stopped":
        return 'there is no [service.stopped]: for what this recovery stopped write start = "stopped", without brackets'
    hint = nearest(name, nouns.get(noun, ()))
    return f'there is no [{noun}.{name}]{hint}'


def circles(processes: Iterable[Table]) -> list[Fault]:
    """A fault for each process noun that ``parent`` and ``except`` lead back to itself; one fault per cycle. Its own
    name as ``parent`` alone means a whole tree."""
    tables = {table.name: table for table in processes}
    faults, reported = [], set[str]()
    for name in tables:
        circle = [] if name in reported else _way_back(name, tables)
        if circle:
            reported.update(circle)
            way = " → ".join((*circle, circle[0]))
            following = circle[1 % len(circle)]
            place = next(reference.place for reference in tables[name].references
                         if reference.noun == "process" and reference.name == following
                         and following in _leads_to(tables[name]))
            faults.append(_fault(place, _in_a_circle(way, [tables[one] for one in circle])))
    return faults


def _in_a_circle(way: str, circle: list[Table]) -> str:
    if len(circle) == 1:
        return f"it excepts itself, so nothing can match: {way}"
    if any(table.values.get("except") for table in circle):
        return f"parent and except go in a circle, so it cannot be told who matches: {way}"
    return f"the parents go in a circle, so nothing can match: {way}"


def _way_back(start: str, tables: Mapping[str, Table]) -> list[str]:
    """The names from start along its parents and exceptions back to start, or nothing."""
    ways = [[start]]
    seen = set[str]()
    while ways:
        way = ways.pop()
        for name in _leads_to(tables[way[-1]]):
            if name == start:
                return way
            if name in tables and name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _leads_to(table: Table) -> tuple[str, ...]:
    """The nouns on which it depends who matches this one."""
    parents = [name for name in table.values.get("parent", ()) if name != table.name]
    return (*parents, *table.values.get("except", ()))


def _fault(place: Fault, what: str) -> Fault:
    return Fault(place.file, place.line, place.where, what)

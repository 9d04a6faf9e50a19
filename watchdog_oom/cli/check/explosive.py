"""Whether a regular expression can take for ever on a text made for it: read from its parse tree. For ``check`` only.

Backtracking explodes where one text can be cut in many ways: a repetition in a repetition without anything in between
that ends the inner one, alternatives that begin alike under a repetition, repetitions side by side. Characters are
compared by those below 256. What is found may be harmless after all; it only causes a warning.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

_parser = importlib.import_module("re._parser")
_CHARACTERS = frozenset(range(256))
_MANY = 4  # repeated this many times, an inner repetition costs the text's length to that power
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT")
_CATEGORIES = {"CATEGORY_DIGIT": r"\d", "CATEGORY_NOT_DIGIT": r"\D", "CATEGORY_SPACE": r"\s",
               "CATEGORY_NOT_SPACE": r"\S", "CATEGORY_WORD": r"\w", "CATEGORY_NOT_WORD": r"\W"}


def why_explosive(pattern: str) -> str | None:
    """What makes it dangerous, in words, or ``None``."""
    items = list(_parser.parse(pattern))
    found = next(_hazards(items), None)
    if found is None and items and _name(items[0]) in _REPEATS and _unbounded(items[0]) and _is_any(items[0]):
        return 'it begins with a repetition of ".", which can be left out, since a pattern is searched for anywhere'
    return found


def _hazards(items: list[Any]) -> Iterator[str]:
    if any(_both_repeat(one, other) for one, other in pairwise(items)):
        yield "two repetitions side by side can share a text in many ways"
    for item in items:
        if _name(item) in _REPEATS and item[1][1] >= _MANY:
            yield from _in_repeat(_plain(item[1][2]))
        for body in _bodies(item):
            yield from _hazards(list(body))


def _in_repeat(body: list[Any]) -> Iterator[str]:
    ends = [_first([item]) for item in body if _name(item) in ("LITERAL", "NOT_LITERAL", "IN", "ANY")]
    for inner in _inner_repeats(body):
        if not any(end.isdisjoint(_first(list(inner[1][2]))) for end in ends):
            yield "there is a repetition in a repetition, and nothing between them that ends the inner one"
    for branch in (item for item in body if _name(item) == "BRANCH"):
        firsts = [_first(list(way)) for way in branch[1][1]]
        if any(one & other or not (one or other) for at, one in enumerate(firsts) for other in firsts[:at]):
            yield "alternatives that begin alike are repeated"


def _inner_repeats(body: Iterable[Any]) -> Iterator[Any]:
    for item in body:
        if _name(item) in _REPEATS and _unbounded(item):
            yield item
        for part in _bodies(item):
            yield from _inner_repeats(part)


def _both_repeat(one: Any, other: Any) -> bool:
    return (all(_name(item) in _REPEATS and _unbounded(item) for item in (one, other))
            and bool(_first(list(one[1][2])) & _first(list(other[1][2]))))


def _plain(items: Iterable[Any]) -> list[Any]:
    """The items with those of groups in their place: what a group holds is as mandatory as the group."""
    return [part for item in items
            for part in (_plain(item[1][3]) if _name(item) == "SUBPATTERN" else [item])]


def _bodies(item: Any) -> list[Any]:
    match _name(item):
        case "MAX_REPEAT" | "MIN_REPEAT":
            return [item[1][2]]
        case "SUBPATTERN":
            return [item[1][3]]
        case "BRANCH":
            return list(item[1][1])
        case "ASSERT" | "ASSERT_NOT":
            return [item[1][1]]
    return []


def _first(items: list[Any]) -> frozenset[int]:
    """The characters with which a text of these items can begin."""
    found: set[int] = set()
    for item in items:
        match _name(item):
            case "LITERAL":
                return frozenset(found | {item[1]})
            case "NOT_LITERAL":
                return frozenset(found | (_CHARACTERS - {item[1]}))
            case "ANY":
                return _CHARACTERS
            case "IN":
                return frozenset(found | _members(item[1]))
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                found |= _first(list(item[1][2]))
                if item[1][0]:
                    return frozenset(found)
            case "SUBPATTERN":
                return frozenset(found | _first([*item[1][3], *items[items.index(item) + 1:]]))
            case "BRANCH":
                return frozenset(found.union(*(_first(list(way)) for way in item[1][1])))
    return frozenset(found)


def _members(parts: list[Any]) -> frozenset[int]:
    negated = bool(parts) and _name(parts[0]) == "NEGATE"
    found: set[int] = set()
    for part in parts:
        match _name(part):
            case "LITERAL":
                found.add(part[1])
            case "RANGE":
                found |= set(range(part[1][0], min(part[1][1], 255) + 1))
            case "CATEGORY":
                kind = re.compile(_CATEGORIES[str(part[1])])
                found |= {code for code in _CHARACTERS if kind.match(chr(code))}
    return _CHARACTERS - found if negated else frozenset(found)


def _name(item: Any) -> str:
    return str(item[0])


def _unbounded(repeat: Any) -> bool:
    return bool(repeat[1][1] is _parser.MAXREPEAT or repeat[1][1] >= 100)


def _is_any(repeat: Any) -> bool:
    return [_name(item) for item in repeat[1][2]] == ["ANY"]

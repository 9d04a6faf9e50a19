"""A process that a noun matches: what the noun asks for, made up where a case does not say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from watchdog_oom.cli.policy_test.case import Given

_CLASS = re.compile(r"\[([!^]?)(.[^\]]*)\]")
_NOT_LITERAL = re.compile(r"[.^$*+?{}\[\]|()]")


def completed(given: Given, noun: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of the case, and for those that the noun asks for and the case leaves out, the first that will do.
    Raises ValueError, for people, where none can be made up."""
    made: dict[str, Any] = {key: of_glob(noun[key][0], given.get("noun"))
                            for key in ("exe", "name", "unit") if key in noun}
    made |= {key: noun[key][0] for key in ("user", "parent") if key in noun}
    if given.get("noun") in noun.get("parent", ()):
        del made["parent"]  # of a whole tree it is the root
    if "under" in noun:
        made["under"] = noun["under"][:1]
    if "cmdline" in noun and "cmdline" not in given.values:
        made["cmdline"] = _of_pattern(noun["cmdline"][0])
    facts = {**made, **_circumstances(noun), **given.values}
    if not {"exe", "name"} & facts.keys():
        raise ValueError('give its "name" or its "exe"' + (f": {given.get('noun')} says neither" if noun else ""))
    return facts


def _circumstances(noun: Mapping[str, Any]) -> dict[str, Any]:
    """Old and large enough by far, and orphaned if it has to be."""
    made: dict[str, Any] = {}
    if "age_above" in noun:
        made["age"] = 2 * noun["age_above"]
    if noun.get("rss_above", ("percent", 0))[0] == "bytes":
        made["rss"] = 2 * noun["rss_above"][1]
    if noun.get("orphaned"):
        made["orphaned"] = True
    return made


def of_glob(glob: str, name: str) -> str:
    """A text that the glob matches."""
    text = _CLASS.sub(lambda found: "_" if found[1] else found[2][0], glob)
    text = re.sub(r"\*+$", "", text)
    text = re.sub(r"\*+", "1", text).replace("?", "x")
    return text + name if not text or text.endswith("/") else text


def _of_pattern(pattern: str) -> str:
    """The text of a pattern that is one but for its anchors."""
    inside = pattern.removeprefix("^").removesuffix("$")
    if _NOT_LITERAL.search(re.sub(r"\\[^A-Za-z0-9]", "", inside)) or re.search(r"\\[A-Za-z0-9]", inside):
        raise ValueError(f'give its "cmdline": none can be made up for the pattern "{pattern}"')
    return re.sub(r"\\(.)", r"\1", inside)

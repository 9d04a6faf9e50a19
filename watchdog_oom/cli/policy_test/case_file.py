"""Test files: found below directories, read and checked; every mistake is told with file and line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from watchdog_oom.cli.policy_test.case import Case, Given
from watchdog_oom.cli.policy_test.case_keys import CASE, HOST, PROCESS_FACTS, SERVICE_FACTS, SPOOL_FACTS
from watchdog_oom.errors import Fault, PolicyError, UsageError
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.policy.belonging import where_key_belongs
from watchdog_oom.policy.check import FileCheck
from watchdog_oom.policy.files import Gathered, read
from watchdog_oom.policy.lines import Path, line_at
from watchdog_oom.policy.load import parse_file
from watchdog_oom.policy.schema import Key, Keys
from watchdog_oom.policy.texts import described

SUFFIX = ".test.toml"
_LISTS: Mapping[str, Keys] = {"processes": PROCESS_FACTS, "kernel_kills": PROCESS_FACTS}
_NAMED: Mapping[str, Keys] = {"spools": SPOOL_FACTS, "services": SERVICE_FACTS}
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The cases of a file, and the checker that knows its lines, for mistakes that show only with the policy."""

    path: str
    check: FileCheck
    cases: tuple[Case, ...]


def files_below(paths: Iterable[str]) -> list[str]:
    """The test files given, and all below the directories given, sorted. Raises UsageError where there is none."""
    found: list[str] = []
    for path in paths:
        below = [os.path.join(place, name) for place, _, names in os.walk(path) for name in names
                 if name.endswith(SUFFIX)] if os.path.isdir(path) else [path]
        if not below:
            raise UsageError(f"{printable(path)}: no file in it is named NAME{SUFFIX}")
        found += sorted(below)
    return list(dict.fromkeys(found))


def read_cases(path: str) -> CaseFile:
    """Raises PolicyError with every mistake of the file."""
    gathered = Gathered()
    data = read(path, gathered)
    parsed = None if data is None else parse_file(path, data, gathered)
    if parsed is None:
        raise PolicyError(tuple(gathered.faults))
    check, document = parsed
    cases = tuple(_cases(path, check, document))
    if check.faults:
        raise PolicyError(tuple(check.faults))
    return CaseFile(path, check, cases)


def _cases(path: str, check: FileCheck, document: Mapping[str, Any]) -> Iterable[Case]:
    for name in document:
        if name not in ("case", "policy"):
            check.fault((), f'unknown key "{printable(name)}"{where_key_belongs(name, ("case", "policy"))}', (name,))
    given = document.get("case")
    if not isinstance(given, list) or not all(isinstance(case, dict) for case in given) or not given:
        check.fault((), "there is no case: write a table [[case]] for each", ("case",))
        return
    policies = check.value(("policy",), CASE["policy"], document["policy"]) if "policy" in document else None
    seen: dict[str, int] = {}
    for number, values in enumerate(given):
        case = _case(path, check, ("case", number), values, policies)
        if case.name and case.name in seen:
            check.fault(case.path, f'"{printable(case.name)}" is the name of the case in line {seen[case.name]}, too',
                        (*case.path, "name"))
        seen.setdefault(case.name, case.line)
        yield case


def _case(path: str, check: FileCheck, at: Path, table: Mapping[str, Any], policies: tuple[str, ...] | None) -> Case:
    values = check.keys(at, {key: value for key, value in table.items() if key != "host"}, {**CASE, "host": _HOST_KEY})
    if not {"expect", "refuse"} & values.keys():
        check.fault(at, 'nothing is expected: give "expect", "refuse" or both')
    host = table.get("host", {})
    if not isinstance(host, dict):
        check.fault((*at, "host"), f"must be a table, not {described(host)}")
        host = {}
    lists = {key: _list(check, (*at, "host", key), host.get(key, []), keys) for key, keys in _LISTS.items()}
    named = {key: _named(check, (*at, "host", key), host.get(key, {}), keys) for key, keys in _NAMED.items()}
    plain = {key: value for key, value in host.items() if key not in (*_LISTS, *_NAMED)}
    keys = {**HOST, **dict.fromkeys((*_LISTS, *_NAMED), _HOST_KEY)}
    facts = Given((*at, "host"), check.keys((*at, "host"), plain, keys))
    if not _CLOCK.fullmatch(facts.get("clock", "12:00")):
        check.fault((*at, "host", "clock"), 'must be a time of day like "03:12"')
    folder = os.path.dirname(path)
    return Case(path, line_at(check.lines, at), at, values.get("name", ""),
                tuple(os.path.join(folder, name) for name in values.get("policy") or policies or (_beside(path),)),
                values.get("after", 0.0), values.get("expect", ()), values.get("refuse", ()), facts,
                lists["processes"], lists["kernel_kills"], named["spools"], named["services"])


_HOST_KEY = Key(CASE["name"].form, "a table of its own")


def _beside(path: str) -> str:
    """The policy that stands beside a test file: NAME.toml of NAME.test.toml, else policy.toml."""
    own = os.path.basename(path).removesuffix(SUFFIX) + ".toml"
    return own if os.path.exists(os.path.join(os.path.dirname(path), own)) else "policy.toml"


def _list(check: FileCheck, at: Path, tables: Any, keys: Keys) -> tuple[Given, ...]:
    if not isinstance(tables, list):
        check.fault(at, f"must be a list of tables, not {described(tables)}")
        return ()
    found = [(number, table) for number, table in enumerate(tables) if isinstance(table, dict)]
    if len(found) < len(tables):
        check.fault(at, "must be a list of tables: { name = \"…\", rss = \"…\" }")
    return tuple(Given((*at, number), check.keys((*at, number), table, keys)) for number, table in found)


def _named(check: FileCheck, at: Path, tables: Any, keys: Keys) -> dict[str, Given]:
    """By name; of a service, its state alone will do."""
    if not isinstance(tables, dict):
        check.fault(at, f"must be a table with a key for each, not {described(tables)}")
        return {}
    found = {}
    for name, table in tables.items():
        if isinstance(table, str) and "state" in keys:
            table = {"state": table}
        if isinstance(table, dict):
            found[name] = Given((*at, name), check.keys((*at, name), table, keys))
        else:
            check.fault((*at, name), f"must be a table, not {described(table)}")
    return found


def faults_of(file: CaseFile, mistakes: Iterable[tuple[Path, str]]) -> tuple[Fault, ...]:
    """Mistakes that show only with the policy, with their lines."""
    before = len(file.check.faults)
    for path, what in mistakes:
        file.check.fault(path, what)
    return tuple(file.check.faults[before:])

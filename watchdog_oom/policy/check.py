"""One parsed file checked against the schema: the tables as plain values, and every fault with its line."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.form import Form
from watchdog_oom.errors import Fault
from watchdog_oom.formatting import printable
from watchdog_oom.lean_typing import Any
from watchdog_oom.policy import clauses
from watchdog_oom.policy.belonging import where_key_belongs, where_table_belongs
from watchdog_oom.policy.lines import Path, line_at
from watchdog_oom.policy.names import Reference, Table
from watchdog_oom.policy.schema import (
    CONFIG,
    DESCRIPTION,
    EMERGENCY,
    NAMED,
    NOUN_OF_FORM,
    PROBE,
    RESERVED_NAMES,
    TABLES,
    Key,
    Keys,
)
from watchdog_oom.policy.table_rules import TABLE_RULES
from watchdog_oom.policy.texts import described
from watchdog_oom.policy.values import convert

NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


class FileCheck:
    """Collects the content and the faults of one file; a fault of the file never raises."""

    def __init__(self, file: str, lines: Mapping[Path, int]) -> None:
        self.file = file
        self.lines = lines
        self.description = ""
        self.tables: list[Table] = []
        self.faults: list[Fault] = []
        self._references: list[Reference] = []
        self._warnings: list[Fault] = []

    def policy(self, document: Mapping[str, Any]) -> None:
        """Check a policy file: description, named tables, [emergency]."""
        for name, value in document.items():
            if name == "description":
                self.description = self.value((name,), DESCRIPTION, value) or ""
            elif name == "emergency":
                self._table((name,), value, EMERGENCY)
            elif not isinstance(value, dict | list):
                belongs = where_key_belongs(name, ("description",))
                self.fault((), f'"{printable(name)}" stands before the first table{belongs}', (name,))
            elif name in NAMED:
                self._kind(name, value)
            else:
                belongs = where_table_belongs(name, ("description", *TABLES))
                self.fault((), f'unknown table "{printable(name)}"{belongs}', (name,))

    def configuration(self, document: Mapping[str, Any]) -> None:
        """Check the daemon's own configuration file."""
        for name, value in document.items():
            if name in CONFIG:
                self._table((name,), value, CONFIG[name])
            else:
                self.fault((), f'unknown table "{printable(name)}"{where_table_belongs(name, CONFIG)}', (name,))

    def fault(self, path: Path, what: str, at: Path | None = None) -> None:
        self.faults.append(Fault(self.file, line_at(self.lines, path if at is None else at), where(path), what))

    def warn(self, path: Path, what: str) -> None:
        self._warnings.append(Fault(self.file, line_at(self.lines, path), where(path), what))

    def keys(self, path: Path, table: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
        """The valid values of the table; unknown, wrong and missing keys are recorded as faults."""
        values: dict[str, Any] = {}
        for name, value in table.items():
            if name not in keys:
                self.fault(path, f'unknown key "{printable(name)}"{where_key_belongs(name, keys)}', (*path, name))
                continue
            converted = self.value((*path, name), keys[name], value)
            if converted is not None:
                values[name] = converted
        for name, key in keys.items():
            if key.required and name not in table:
                self.fault(path, f'"{name}" is missing: {key.doc}')
        return values

    def value(self, path: Path, key: Key, value: object) -> Any:
        """The converted value, or ``None`` after recording a fault."""
        match key.form:
            case Form.PROBE:
                return self._probe(path, value)
            case Form.CLAUSES:
                return clauses.check_clauses(self, path, value)
            case Form.STEPS:
                return clauses.check_steps(self, path, value)
        try:
            converted = convert(key, value)
        except ValueError as error:
            self.fault(path, str(error))
            return None
        self._refer(path, key.form, converted)
        return converted

    def _refer(self, path: Path, form: Form, names: str | tuple[str, ...]) -> None:
        noun = NOUN_OF_FORM.get(form)
        if noun is None:
            return
        place = Fault(self.file, line_at(self.lines, path), where(path), "")
        for name in (names,) if isinstance(names, str) else names:
            if not (isinstance(names, str) and name == RESERVED_NAMES.get(noun) and form in _WITH_RESERVED):
                self._references.append(Reference(noun, name, place))

    def _kind(self, kind: str, value: object) -> None:
        if not isinstance(value, dict):
            self.fault((kind,), f"needs a name: write [{kind}.NAME]")
            return
        for name, table in value.items():
            path = (kind, name)
            if not isinstance(table, dict):
                words = (f"write [{kind}.{printable(name)}], with single brackets" if isinstance(table, list)
                         else f'the table needs a name: write [{kind}.NAME] above "{printable(name)}"')
                self.fault((kind,), words, path)
                continue
            if not name or not NAME_CHARACTERS.issuperset(name):
                self.fault(path, "a name consists of the characters A-Z, a-z, 0-9, _ and -")
            if name == RESERVED_NAMES.get(kind):
                self.fault(path, f'"{name}" has a meaning of its own and cannot be the name of a {kind}')
            self._table(path, table, NAMED[kind])

    def _table(self, path: Path, table: object, keys: Keys) -> None:
        if not isinstance(table, dict):
            self.fault(path, f"must be a table [{where(path).strip('[]')}], not {described(table)}")
            return
        self._references, self._warnings = [], []
        values = self.keys(path, table, keys)
        rule = TABLE_RULES.get(str(path[0]))
        if rule is not None:
            rule(self, path, table, values)
        name = str(path[1]) if len(path) > 1 else ""
        self.tables.append(Table(str(path[0]), name, values, self._references, self._warnings))

    def _probe(self, path: Path, value: object) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            self.fault(path, f'must be a table like {{ tcp = "127.0.0.1:25" }}, not {described(value)}')
            return None
        if ("tcp" in value) == ("run" in value):
            self.fault(path, "needs exactly one of tcp and run")
        return self.keys(path, value, PROBE)


def where(path: Path) -> str:
    """A path in words: ``[limit.clamscan] rss``, ``[recover.amavis] when #2 for``."""
    header_parts = 2 if path and (path[0] in NAMED or path[0] == _OF_NOTIFY) else 1
    header = ".".join(printable(str(part)) for part in path[:header_parts])
    rest = " ".join(f"#{part + 1}" if isinstance(part, int) else printable(part) for part in path[header_parts:])
    if header == "description":
        return header
    return f"[{header}] {rest}".strip() if header else ""


_OF_NOTIFY = "target"  # its tables have names as those of policies
_WITH_RESERVED = (Form.PROCESS_OR_ANY, Form.SERVICES_OR_STOPPED)

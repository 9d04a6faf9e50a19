"""The JSON Schema of one value, by the form of its key. What a pattern cannot say, ``check`` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from watchdog_oom.core.form import Form
from watchdog_oom.policy.schema import Key

Schema: TypeAlias = dict[str, Any]

_PERCENT = r"[0-9]{1,3}(\.[0-9]{1,3})?[ ]*%"
_BYTES = r"[0-9]{1,18}(\.[0-9]{1,9})?[ ]*(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)"
_DURATION = r"([ ]*[0-9]{1,12}(\.[0-9]{1,3})?[ ]*(d|h|min|m|s|ms)[ ]*)+"
_HOURS = r"[0-9]{1,2}:[0-9]{2}[ ]*-[ ]*[0-9]{1,2}:[0-9]{2}"
_ADDRESS = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9._-]*)?):[0-9]{1,5}"
_UNIT = r"[A-Za-z0-9_][A-Za-z0-9:_.\\@-]{0,254}"
_LARGEST_COUNT = 10**12


def text(pattern: str = "") -> Schema:
    """A string that matches the pattern from its beginning to its end."""
    return {"type": "string", "pattern": f"^({pattern})$"} if pattern else {"type": "string", "minLength": 1}


def texts(one: Schema, *, least: int = 1) -> Schema:
    """One, or a list of them."""
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": least}]}


def _command(least: int) -> Schema:
    return {"type": "array", "minItems": least, "prefixItems": [text("/.*[^/]")], "items": {"type": "string"}}


FORMS: Mapping[Form, Schema] = {
    Form.SIZE: text(f"{_BYTES}|{_PERCENT}"), Form.BYTES: text(_BYTES), Form.DURATION: text(_DURATION),
    Form.PERCENT: {"anyOf": [text(_PERCENT), {"type": "number", "minimum": 0, "maximum": 100}]},
    Form.SIZE_OR_COUNT: {"anyOf": [text(_PERCENT), {"type": "integer", "minimum": 0}]},
    Form.COUNT: {"type": "integer", "minimum": 0, "maximum": _LARGEST_COUNT}, Form.INTEGER: {"type": "integer"},
    Form.BOOLEAN: {"type": "boolean"}, Form.TRUE: {"const": True}, Form.CHOICE: {"type": "string"},
    Form.TEXT: text(), Form.HOURS: text(_HOURS), Form.ADDRESS: text(_ADDRESS), Form.PATH: text("/.+"),
    Form.UNIT: text(_UNIT), Form.UNITS: texts(text(_UNIT), least=0), Form.USERS: texts(text()),
    Form.PATH_GLOBS: texts(text(r"[/*\[].*")), Form.NAME_GLOBS: texts(text()), Form.ENTRY_GLOBS: texts(text("[^/]+")),
    Form.REGEXES: texts(text()), Form.ARGV: _command(1), Form.ARGV_OR_NONE: _command(0),
    Form.PROCESS: text(), Form.PROCESS_OR_ANY: text(), Form.SPOOL: text(), Form.SERVICE: text(),
    Form.PROCESSES: texts(text()), Form.SPOOLS: texts(text()), Form.SERVICES: texts(text()),
    Form.SERVICES_OR_STOPPED: texts(text()),
    Form.PROBE: {"$ref": "#/$defs/probe"},
    Form.CLAUSES: {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/clause"}},
    Form.STEPS: {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}},
}


def value_schema(key: Key) -> Schema:
    """Of the value of this key, with its bounds as far as they are those of a plain number."""
    if key.form is Form.CHOICE:
        return {"enum": list(key.choices)}
    found = dict(FORMS[key.form])
    if key.form in (Form.COUNT, Form.INTEGER):
        bounds = {"minimum": key.least, "maximum": key.most}
        found |= {word: int(bound) for word, bound in bounds.items() if bound is not None}
    return found

"""Plain checked values to canonical TOML, which is read back as the same policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchdog_oom.core.form import Form
from watchdog_oom.policy import units
from watchdog_oom.policy.schema import CLAUSE, EMERGENCY, NAMED, PROBE, STEP, Key, Keys

_ALWAYS_LISTS = (Form.ARGV, Form.UNITS, Form.SERVICES, Form.SERVICES_OR_STOPPED)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def show_policy(ir: Mapping[str, Any]) -> str:
    """The whole policy as one file, tables by kind, keys in the order of the reference. Sources are not shown."""
    blocks = [f"description = {_quoted(ir['description'])}"] if ir.get("description") else []
    for kind, keys in NAMED.items():
        blocks.extend(_table(f"{kind}.{name}", values, keys) for name, values in ir.get(kind, {}).items())
    if "emergency" in ir:
        blocks.append(_table("emergency", ir["emergency"], EMERGENCY))
    return "\n\n".join(blocks) + "\n"


def _table(header: str, values: Mapping[str, Any], keys: Keys) -> str:
    return "\n".join([f"[{header}]", *_pairs(values, keys)])


def _pairs(values: Mapping[str, Any], keys: Keys) -> list[str]:
    return [f"{name} = {_value(key, values[name])}" for name, key in keys.items() if name in values]


def _inline(values: Mapping[str, Any], keys: Keys) -> str:
    return f"{{ {', '.join(_pairs(values, keys))} }}"


def _rows(tables: tuple[Mapping[str, Any], ...], keys: Keys) -> str:
    return "\n".join(["[", *(f"  {_inline(table, keys)}," for table in tables), "]"])


def _value(key: Key, value: Any) -> str:
    match key.form:
        case Form.CLAUSES:
            return _rows(value, CLAUSE)
        case Form.STEPS:
            return _rows(value, STEP)
        case Form.PROBE:
            return _inline(value, PROBE)
        case Form.BOOLEAN | Form.TRUE:
            return "true" if value else "false"
        case Form.COUNT | Form.INTEGER:
            return str(value)
        case Form.SIZE_OR_COUNT if value[0] == "count":
            return str(value[1])
        case _:
            return _text(key.form, value)


def _text(form: Form, value: Any) -> str:
    match form:
        case Form.SIZE | Form.SIZE_OR_COUNT:
            return _quoted(units.format_size(value))
        case Form.PERCENT:
            return _quoted(units.format_percent(value))
        case Form.DURATION:
            return _quoted(units.format_duration(value))
        case Form.HOURS:
            return _quoted(format_hours(value))
        case Form.ADDRESS:
            return _quoted(format_address(value))
        case _:
            return _words(form, value)


def _words(form: Form, value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if len(value) == 1 and form not in _ALWAYS_LISTS:
        return _quoted(value[0])
    return f"[{', '.join(_quoted(word) for word in value)}]"


def _quoted(text: str) -> str:
    """A TOML basic string: quotes, backslashes and control characters escaped."""
    return '"' + "".join(_ESCAPES.get(char) or (char if char >= " " and char != "\x7f" else f"\\u{ord(char):04x}")
                         for char in text) + '"'


def format_hours(hours: tuple[int, int]) -> str:
    start, end = hours
    return f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}"


def format_address(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

"""One value as tomli gives it, checked and converted to the form of its key. ValueErrors are written for people."""

from __future__ import annotations

import math
from collections.abc import Callable

from watchdog_oom.core.form import Form
from watchdog_oom.lean_typing import Any
from watchdog_oom.policy import texts, units
from watchdog_oom.policy.schema import Key
from watchdog_oom.policy.texts import WrongValueError, described

_LARGEST_COUNT = 10**12


def convert(key: Key, value: object) -> Any:
    """The value in the intermediate form: only text, numbers, booleans and tuples of them."""
    if key.form is Form.CHOICE:
        return _choice(key.choices, value)
    converted = CONVERTERS[key.form](value)
    _check_bounds(key, converted)
    return converted


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WrongValueError(f"must be a number, not {described(value)}")
    return value


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        hint = " (write it without quotes)" if isinstance(value, str) else ""
        raise WrongValueError(f"must be a whole number, not {described(value)}{hint}")
    return value


def _count(value: object) -> int:
    count = _integer(value)
    if not 0 <= count <= _LARGEST_COUNT:
        raise WrongValueError(f"must be a count from 0 to {_LARGEST_COUNT}, not {count}")
    return count


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise WrongValueError(f"must be true or false, not {described(value)}")
    return value


def _true(value: object) -> bool:
    if not _boolean(value):
        raise WrongValueError("can only be true: leave the clause out instead of writing false")
    return True


def _size(value: object) -> units.SizeValue:
    if isinstance(value, int) and not isinstance(value, bool):
        raise WrongValueError(f'a size needs a unit and quotes: write "{value}MiB", "{value}B" or "{value}%"')
    return units.parse_size(texts.text(value))


def _bytes(value: object) -> int:
    kind, amount = _size(value)
    if kind != "bytes":
        raise WrongValueError('must be a size like "8MiB": there is nothing this could be a percentage of')
    return int(amount)


def _size_or_count(value: object) -> tuple[str, int | float]:
    if isinstance(value, str) and value.endswith("%"):
        return ("percent", units.parse_percent(value))
    if isinstance(value, str):
        raise WrongValueError(f'must be a whole number or a percentage like "5%", not "{value}"')
    return ("count", _count(value))


def _percent(value: object) -> float:
    return units.parse_percent(value) if isinstance(value, str) else units.checked_percent(float(_number(value)))


def _duration(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise WrongValueError(f'a duration needs a unit and quotes: write "{value}s", "{value}min" or "{value}h"')
    return units.parse_duration(texts.text(value))


def _choice(choices: tuple[str, ...], value: object) -> str:
    if value not in choices:
        given = f'"{value}"' if isinstance(value, str) else described(value)
        allowed = " or ".join(f'"{choice}"' for choice in choices)
        raise WrongValueError(f"must be {allowed}, not {given}")
    return str(value)


def _check_bounds(key: Key, converted: object) -> None:
    number = converted[1] if isinstance(converted, tuple) and key.form is Form.SIZE else converted
    if key.least is not None and isinstance(number, int | float) and number < key.least:
        raise WrongValueError("must be more than zero" if 0 < key.least < 0.01 or number == 0 < key.least
                              else f"must be at least {_in_words(key, key.least)}")
    if key.most is not None and isinstance(number, int | float) and number > key.most:
        raise WrongValueError(f"must be at most {_in_words(key, key.most)}")


def _in_words(key: Key, number: float) -> str:
    match key.form:
        case Form.DURATION:
            return units.format_duration(number)
        case Form.BYTES:
            return units.format_size(("bytes", int(number)))
        case _:
            return f"{number:g}"


CONVERTERS: dict[Form, Callable[[object], Any]] = {
    Form.SIZE: _size, Form.BYTES: _bytes, Form.SIZE_OR_COUNT: _size_or_count, Form.PERCENT: _percent,
    Form.DURATION: _duration, Form.COUNT: _count, Form.INTEGER: _integer, Form.BOOLEAN: _boolean, Form.TRUE: _true,
    Form.TEXT: texts.text, Form.PATH: texts.path, Form.UNIT: texts.unit, Form.UNITS: texts.units,
    Form.USERS: texts.texts,
    Form.PATH_GLOBS: texts.path_globs, Form.NAME_GLOBS: texts.name_globs, Form.ENTRY_GLOBS: texts.entry_globs,
    Form.REGEXES: texts.regexes, Form.ARGV: texts.argv, Form.ARGV_OR_NONE: texts.argv_or_none,
    Form.HOURS: lambda value: units.parse_hours(texts.text(value)),
    Form.ADDRESS: lambda value: units.parse_address(texts.text(value)),
    Form.PROCESS: texts.text, Form.PROCESS_OR_ANY: texts.text, Form.SPOOL: texts.text, Form.SERVICE: texts.text,
    Form.PROCESSES: texts.texts, Form.SPOOLS: texts.texts, Form.SERVICES: texts.texts,
    Form.SERVICES_OR_STOPPED: texts.names_or_stopped,
}

"""Snapshots as JSON and back, for tests, bug reports and replays."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from watchdog_oom.core.model import Snapshot


def to_plain(value: object) -> Any:
    """A frozen value of the model as JSON types; fields equal to their default are omitted for readability."""
    if is_dataclass(value) and not isinstance(value, type):
        plain = {field.name: getattr(value, field.name) for field in fields(value)}
        default = _defaults(type(value))
        return {name: to_plain(part) for name, part in plain.items() if name not in default or part != default[name]}
    if isinstance(value, Mapping):
        return {str(key): to_plain(part) for key, part in value.items()}
    if isinstance(value, frozenset):
        return sorted((to_plain(part) for part in value), key=str)
    if isinstance(value, tuple | list):
        return [to_plain(part) for part in value]
    return str(value) if isinstance(value, StrEnum) else value


def snapshot_of(plain: Mapping[str, Any]) -> Snapshot:
    """The snapshot that ``to_plain`` wrote. Raises ValueError, KeyError or TypeError for any other input."""
    snapshot = _from_plain(Snapshot, plain)
    assert isinstance(snapshot, Snapshot)
    return snapshot


def _defaults(kind: type) -> dict[str, object]:
    from dataclasses import MISSING
    found: dict[str, object] = {}
    for field in fields(kind):
        if field.default is not MISSING:
            found[field.name] = field.default
        elif field.default_factory is not MISSING:
            found[field.name] = field.default_factory()
    return found


def _from_plain(kind: Any, plain: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if plain is None else _from_plain(next(a for a in arguments if a is not type(None)), plain)
    if origin is tuple:
        return tuple(_from_plain(arguments[0], part) for part in plain)
    if origin is frozenset:
        return frozenset(_from_plain(arguments[0], part) for part in plain)
    if origin is not None and issubclass(origin, Mapping):
        return {_from_plain(arguments[0], key): _from_plain(arguments[1], part) for key, part in plain.items()}
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{name: _from_plain(hints[name], part) for name, part in plain.items()})
    return kind(plain)

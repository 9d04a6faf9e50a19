"""Values of the status file as they may be: missing, or of another release's kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

Plain: TypeAlias = Mapping[str, Any]


def map_of(plain: Plain, key: str) -> Plain:
    found = plain.get(key)
    return found if isinstance(found, dict) else {}


def maps_of(plain: Plain, key: str) -> Sequence[Plain]:
    found = plain.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def texts_of(plain: Plain, key: str) -> list[str]:
    found: object = plain.get(key)
    return [str(text) for text in found] if isinstance(found, Iterable) and not isinstance(found, str) else []


def number_of(plain: Plain, key: str) -> float:
    found = plain.get(key)
    return float(found) if isinstance(found, int | float) else 0.0

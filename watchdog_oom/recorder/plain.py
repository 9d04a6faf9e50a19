"""Values of a snapshot as JSON types: numbers, texts, lists, and objects that omit what equals its default."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from operator import attrgetter

from watchdog_oom.core.memory import Memory, Pressure, ServiceMemory, Sharing
from watchdog_oom.core.model import (
    NO_FACTS,
    Clock,
    KernelKill,
    Process,
    ProcessId,
    ServiceState,
    ServiceStatus,
    SpoolState,
)
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any

_TEXT_FLAGS = re.compile("").flags
_AS_THEY_ARE = (int, str, bool, type(None))
_IMAGE_BITS = 0xFFFF
_USUAL_TICKS_PER_SECOND = 100  # USER_HZ


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of one kind of record, all their values in that order, and the defaults of those that may be omitted:
    fields without a default come first."""

    names: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    required: int
    defaults: tuple[Any, ...]


def _shape(template: Any, required: int) -> Shape:
    """``template`` has the default in every field that has one; the first ``required`` have none."""
    names = tuple(type(template).__match_args__)
    values: Callable[[Any], tuple[Any, ...]] = attrgetter(*names)
    return Shape(names, values, required, values(template))


SHAPES: Mapping[type, Shape] = {type(template): _shape(template, required) for template, required in (
    (Clock(0.0, 0.0), 2), (Memory(0, 0, 0, 0, 0), 5), (Pressure(0.0, 0.0), 2), (Sharing(), 0), (ServiceMemory(), 0),
    (NO_FACTS, 0), (Process(ProcessId(0, 0), 0, ""), 3), (KernelKill(0, "", "", 0.0), 4), (SpoolState(0.0), 1),
    (ServiceState("", ServiceStatus.UNKNOWN, 0.0), 3), (Outcome(None, ""), 2),
    (EffectReport("", Outcome(None, ""), None, 0.0), 4))}


def plain(value: Any) -> Any:
    """The value as JSON types; ``decode.typed`` is the way back."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is float:
        return value if math.isfinite(value) else repr(value)
    if kind is ProcessId:
        return str(value)
    shape = SHAPES.get(kind)
    if shape is not None:
        return record(value, shape)
    if kind in (tuple, list):
        return [plain(part) for part in value]
    if kind is frozenset:
        return sorted([plain(part) for part in value], key=str)
    if kind is re.Pattern:
        return value.pattern if value.flags == _TEXT_FLAGS else [value.pattern, value.flags]
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    return value.value  # a StrEnum


def record(value: Any, shape: Shape) -> dict[str, Any]:
    """All fields but those that have their default."""
    values, defaults = shape.values(value), shape.defaults
    found = {name: plain(now) for name, now in zip(shape.names[:shape.required], values, strict=False)}
    for at in range(shape.required, len(values)):
        if values[at] is not defaults[at] and values[at] != defaults[at]:
            found[shape.names[at]] = plain(values[at])
    if type(value) is Process:
        _shorten(found)
        found.pop("started_boottime", None)
        if value.started_boottime != usual_start(value.id):
            found["started_boottime"] = plain(value.started_boottime)
    return found


def usual_start(process: ProcessId) -> float:
    """When a process started, in seconds of boot time, by its start ticks; told only where it was something else."""
    return process.start_ticks / _USUAL_TICKS_PER_SECOND


def changed(before: Any, now: Any, shape: Shape) -> dict[str, Any]:
    """The fields that differ, whether or not they have their default now."""
    old, new = shape.values(before), shape.values(now)
    found = {name: plain(after) for name, was, after in zip(shape.names, old, new, strict=True)
             if was is not after and was != after}
    if "image" in found:
        _shorten(found)
    return found


def short_image(image: int) -> int:
    """Only whether it is the same as before means anything, and no rule asks: 64 bits of chance would be an eighth of a
    recording."""
    return image & _IMAGE_BITS or 1 if image else 0


def _shorten(found: dict[str, Any]) -> None:
    if "image" in found:
        found["image"] = short_image(found["image"])

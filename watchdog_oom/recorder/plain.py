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
    fields without a default come first. ``kib`` are the names that sizes have when they are written in KiB."""

    names: tuple[str, ...]
    kib: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    required: int
    defaults: tuple[Any, ...]


def kib_name(name: str) -> str:
    """``rss_kib`` for ``rss_bytes``, empty for what is no size: the kernel counts in pages, and three digits less of
    chance in each save a tenth."""
    return f"{name.removesuffix('_bytes')}_kib" if name.endswith("_bytes") else ""


def _shape(template: Any, required: int) -> Shape:
    """``template`` has the default in every field that has one; the first ``required`` have none."""
    names = tuple(type(template).__match_args__)
    values: Callable[[Any], tuple[Any, ...]] = attrgetter(*names)
    return Shape(names, tuple([kib_name(name) for name in names]), values, required, values(template))


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
    found: dict[str, Any] = {}
    for at, now in enumerate(values):
        if at < shape.required or (now is not defaults[at] and now != defaults[at]):
            _put(found, shape, at, now)
    if type(value) is Process:
        if "image" in found:
            found["image"] = short_image(found["image"])
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
    found: dict[str, Any] = {}
    for at, after in enumerate(new):
        if old[at] is not after and old[at] != after:
            _put(found, shape, at, after)
    if "image" in found:
        found["image"] = short_image(found["image"])
    return found


def _put(found: dict[str, Any], shape: Shape, at: int, value: Any) -> None:
    kind = type(value)
    if kind is int and shape.kib[at] and not value % 1024:
        found[shape.kib[at]] = value // 1024
    else:
        found[shape.names[at]] = value if kind in _AS_THEY_ARE else plain(value)


def short_image(image: int) -> int:
    """Only whether it is the same as before means anything, and no rule asks: 64 bits of chance would be an eighth of a
    recording."""
    return image & _IMAGE_BITS or 1 if image else 0

"""Snapshots of any content whatever: every field of every record, by its type, so that a new field is tried as well."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from watchdog_oom.core.matching import Fact
from watchdog_oom.core.model import Facts, Process, ProcessId, Snapshot
from watchdog_oom.recorder.plain import short_image

NAMES = st.sampled_from(["a", "b", "ä\udcff", "x\n<b>", ""])
PIDS = st.integers(1, 6)
PATTERNS = st.sampled_from([re.compile("mrtg"), re.compile("x", re.DOTALL), re.compile("é", re.ASCII)])


def any_of(kind: Any, texts: st.SearchStrategy[str] = NAMES) -> st.SearchStrategy[Any]:
    """Values of that type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return st.none() | any_of(next(argument for argument in arguments if argument is not type(None)), texts)
    if origin is re.Pattern:
        return PATTERNS
    if origin is tuple:
        return st.lists(any_of(arguments[0], texts), max_size=2).map(tuple)
    if origin is frozenset:
        return st.frozensets(any_of(arguments[0], texts), max_size=2)
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(any_of(arguments[0], texts), any_of(arguments[1], texts), max_size=3)
    if isinstance(kind, type) and is_dataclass(kind):
        return records(kind, texts)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(kind)
    return {int: st.integers(-5, 5) | st.integers(-(1 << 64), 1 << 64), str: texts, bool: st.booleans(),
            float: st.floats(allow_nan=False)}[kind]


@cache
def records(kind: type, texts: st.SearchStrategy[str] = NAMES) -> st.SearchStrategy[Any]:
    if kind is ProcessId:
        return st.builds(ProcessId, PIDS, st.integers(0, 1 << 40))
    hints = get_type_hints(kind)
    given = {field.name: any_of(hints[field.name], texts) for field in fields(kind)}
    if kind is Facts:  # whoever fills it puts members in, which are texts to all but marshal
        given["asked"] = st.frozensets(st.sampled_from(Fact), max_size=2)
    if kind is Process:
        given["image"] = st.integers(0, 1 << 63).map(short_image)
    if kind is Snapshot:
        given["processes"] = st.lists(records(Process, texts), max_size=6).map(
            lambda found: {process.pid: process for process in found})
    return st.builds(kind, **given)


SNAPSHOTS = records(Snapshot)


@st.composite
def nights(draw: st.DrawFn) -> list[Snapshot]:
    """Snapshots one after the other, each the last one with some of another, so that what stays is the same object."""
    found = [draw(SNAPSHOTS)]
    for _ in range(draw(st.integers(0, 3))):
        other: Snapshot = draw(SNAPSHOTS)
        parts = draw(st.frozensets(st.sampled_from([field.name for field in fields(Snapshot)])))
        found.append(replace(found[-1], **{name: getattr(other, name) for name in parts}))
    return found

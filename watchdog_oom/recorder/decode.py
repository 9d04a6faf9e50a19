"""Lines of a recording back into samples: the way back of ``frames.encode``.

A recording may come from anybody, so every value is checked against the type of its field. The converters are made once
for each class: type hints are slow to resolve.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from watchdog_oom.core.model import Process, ProcessId, Snapshot
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.recorder.frames import CHANGED, EVENTS, NOTHING, RECORDS, TABLES, WHOLE
from watchdog_oom.recorder.plain import SHAPES, usual_start
from watchdog_oom.recorder.sample import VERSION, Sample, SampleKind

_LONGEST_TEXT = 80
_MOST_PATTERNS = 1024  # a policy has fewer; a recording of somebody else may claim any number


class DamagedError(ValueError):
    """A line that no recorder wrote, in words."""


class NewerError(ValueError):
    """A keyframe of a later version of the format, in words."""


def decode(lines: Iterable[bytes | str]) -> Iterator[Sample]:
    """The samples of lines from a keyframe on. Raises DamagedError or NewerError."""
    decoder = Decoder()
    for line in lines:
        yield decoder.sample(line)


class Decoder:
    """Lines one by one; ``snapshot`` is that of the last one, ``None`` before the first keyframe."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self._about: Mapping[str, str] = {}

    def sample(self, line: bytes | str) -> Sample:
        """Raises DamagedError or NewerError; changes that follow are then no good until the next keyframe."""
        try:
            return self.take(json.loads(line))
        except NewerError:
            self.snapshot = None
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, re.error) as error:
            self.snapshot = None
            shown = line[:_LONGEST_TEXT]
            words = shown.decode("utf-8", "replace") if isinstance(shown, bytes) else shown
            reason = str(error) if isinstance(error, DamagedError) else "it is not what a recorder writes"
            raise DamagedError(f"a line cannot be read ({reason}): {words!r}") from error

    def take(self, form: Mapping[str, Any]) -> Sample:
        """What ``frames.frame`` or ``frames.extra`` made. Raises DamagedError, NewerError, or what damaged data lead
        to: ValueError, KeyError, TypeError, AttributeError."""
        version = form.get("v")
        if version is not None and version != VERSION:
            raise _unreadable(version)
        before = NOTHING if version is not None else self.snapshot
        if before is None:
            raise DamagedError("changes without a keyframe before them")
        kind = SampleKind(form["kind"])
        if "extra" in form:
            return Sample(before, kind, about=self._about, extra=_of(Mapping[str, str])(form["extra"]),
                          read_boottime=_of(float)(form["read_boottime"]))
        self.snapshot = applied(before, form)
        if version is not None:
            self._about = _of(Mapping[str, str])(form.get("about", {}))
        return Sample(self.snapshot, kind, version is not None, _of(int)(form.get("dropped", 0)), self._about)


def _unreadable(version: object) -> ValueError:
    if type(version) is int and version > VERSION:
        return NewerError(f"written by a newer release, in version {version} of the format; this one reads version "
                          f"{VERSION}")
    return DamagedError(f"{version!r} is no version of the format")


def applied(before: Snapshot, form: Mapping[str, Any]) -> Snapshot:
    """The snapshot after the changes of one line."""
    hints = _hints(Snapshot)
    given: dict[str, Any] = {"clock": _changed(before.clock, form["clock"]),
                             "processes": _processes(before.processes, form)}
    for name in RECORDS:
        if name in form:
            was, value = getattr(before, name), form[name]
            given[name] = hints[name](value) if was is None or value is None else _changed(was, value)
    for name in TABLES:
        if name in form:
            given[name] = hints[name](form[name])
        elif name + CHANGED in form:
            table = getattr(before, name)
            given[name] = {**table, **{key: _changed(table[key], fields)
                                       for key, fields in form[name + CHANGED].items()}}
    given |= {name: hints[name](form[name]) for name in WHOLE if name in form}
    given |= {name: hints[name](form[name]) if name in form else getattr(NOTHING, name) for name in EVENTS}
    return replace(before, **given)


def _processes(before: Mapping[int, Process], form: Mapping[str, Any]) -> Mapping[int, Process]:
    if not form.keys() & {"gone", "new", "changed", "order"}:
        return before
    now = dict(before)
    for pid in form.get("gone", ()):
        del now[pid]
    per_process: dict[str, dict[str, Any]] = {}
    for name, values in form.get("changed", {}).items():
        for pid, value in values.items():
            per_process.setdefault(pid, {})[name] = value
    for pid, fields in per_process.items():
        now[int(pid)] = _changed(now[int(pid)], fields)
    process_of = _of(Process)
    now |= {int(pid): process_of(fields) for pid, fields in form.get("new", {}).items()}
    order = form.get("order")
    return now if order is None else {pid: now[pid] for pid in order}


def _changed(value: Any, fields: Mapping[str, Any]) -> Any:
    return replace(value, **_values(type(value), fields))


def _values(kind: Any, fields: Any) -> dict[str, Any]:
    """The fields of a record as they were, by their own names."""
    hints = _hints(kind)
    found = {}
    for name, part in _exactly(dict, fields).items():
        if name in hints:
            found[name] = hints[name](part)
        else:
            found[f"{name.removesuffix('_kib')}_bytes"] = _exactly(int, part) * 1024
    return found


@cache
def _hints(kind: Any) -> Mapping[str, Callable[[Any], Any]]:
    """A converter for each field."""
    hints = get_type_hints(kind)
    return {name: _of(hints[name]) for name in kind.__match_args__}


@cache
def _of(hint: Any) -> Callable[[Any], Any]:
    """The converter to values of that type. It raises DamagedError for anything else."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        inner = _of(next(argument for argument in arguments if argument is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is re.Pattern:
        return _pattern
    if origin in (tuple, frozenset):
        part = _of(arguments[0])
        return lambda value: origin([part(each) for each in _exactly(list, value)])
    if origin is not None:  # a Mapping
        key, part = _of_key(arguments[0]), _of(arguments[1])
        return lambda value: {key(name): part(each) for name, each in _exactly(dict, value).items()}
    if hint is ProcessId:
        return _identity
    if hint is Process:
        return _process
    if hint in SHAPES:
        return lambda value: hint(**_values(hint, value))
    if hint is float:
        return _number
    if issubclass(hint, StrEnum):
        convert: Callable[[Any], Any] = hint
        return convert
    return lambda value: _exactly(hint, value)


def _of_key(hint: Any) -> Callable[[str], Any]:
    return int if hint is int else _of(hint)


def _exactly(kind: Any, value: Any) -> Any:
    if type(value) is not kind:
        raise DamagedError(f"{str(value)[:_LONGEST_TEXT]!r} is no {kind.__name__}")
    return value


def _number(value: Any) -> float:
    if type(value) is str:  # what JSON has no number for
        return float(value)
    if type(value) not in (int, float):
        raise DamagedError(f"{str(value)[:_LONGEST_TEXT]!r} is no number")
    return float(value)


def _identity(text: Any) -> ProcessId:
    pid, _, start_ticks = _exactly(str, text).partition("@")
    return ProcessId(int(pid), int(start_ticks))


def _process(fields: Any) -> Process:
    given = _values(Process, fields)
    given.setdefault("started_boottime", usual_start(given["id"]))
    return Process(**given)


@lru_cache(maxsize=_MOST_PATTERNS)
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    return re.compile(pattern, flags)


def _pattern(value: Any) -> re.Pattern[str]:
    if type(value) is str:
        return _compiled(value, 0)
    pattern, flags = _exactly(list, value)
    return _compiled(_exactly(str, pattern), _exactly(int, flags))

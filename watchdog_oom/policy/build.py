"""Plain checked values to the typed Policy. This is the only module of the parser that the daemon imports.

Keys that a file does not give keep the defaults of ``core/policy.py``, the only place that defines them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from watchdog_oom.core.conditions import registry
from watchdog_oom.core.glob import glob_pattern
from watchdog_oom.core.nouns import (
    Busy,
    Namespaces,
    ProbeSpec,
    ProcessNoun,
    RunProbe,
    ServiceNoun,
    Size,
    SpoolNoun,
    TcpProbe,
)
from watchdog_oom.core.policy import (
    Children,
    Clause,
    Clean,
    Emergency,
    Exceeds,
    First,
    Hours,
    Limit,
    Mode,
    Policy,
    Protect,
    Recover,
    RecoveryStep,
    Then,
    Verb,
)
from watchdog_oom.lean_typing import Any, TypeAlias

Values: TypeAlias = Mapping[str, Any]


def build_policy(ir: Values) -> Policy:
    """The policy that ``policy.load`` loaded; its values have been checked."""
    return Policy(
        description=ir.get("description", ""),
        processes=_each(ir, "process", lambda name, values: _process(name, values, ir)),
        spools=_each(ir, "spool", _spool),
        services=_each(ir, "service", _service),
        protects=_each(ir, "protect", _protect),
        limits=_each(ir, "limit", _limit),
        recovers=_each(ir, "recover", lambda name, values: _recover(name, values, ir.get("fingerprints", {}))),
        cleans=_each(ir, "clean", _clean),
        emergency=Emergency(**_converted(ir.get("emergency", {}), {
            "memory_available_below": _size, "swap_free_below": _size, "mode": Mode})),
        sources=tuple(ir.get("sources", ())),
    )


def _each(ir: Values, kind: str, build: Callable[[str, Values], Any]) -> dict[str, Any]:
    return {name: build(name, values) for name, values in ir.get(kind, {}).items()}


def _converted(values: Values, converters: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """The given values by field name: duration fields have their unit in the name; ``name`` becomes ``comm``."""
    return {_FIELDS.get(key, key): converters[key](value) if key in converters else value
            for key, value in values.items()}


_FIELDS = {"name": "comm", "for": "for_seconds", "grace": "grace_seconds", "runtime": "runtime_seconds",
           "except": "excepted", "age_above": "age_above_seconds", "stale_after": "stale_after_seconds",
           "stable_for": "stable_for_seconds", "within": "within_seconds", "pressure_for": "pressure_for_seconds",
           "cooldown": "cooldown_seconds", "per": "per_seconds", "every": "every_seconds"}


def _size(value: tuple[str, Any]) -> Size:
    """``("percent", p)``, ``("bytes", n)`` or a plain ``("count", n)``."""
    kind, amount = value
    return Size(percent=amount) if kind == "percent" else Size(amount_bytes=amount)


def _process(name: str, values: Values, ir: Values) -> ProcessNoun:
    links: Mapping[str, str] = ir.get("links", {})

    def paths(globs: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
        real_paths = tuple(re.compile(re.escape(links[glob])) for glob in globs if glob in links)
        return (*(glob_pattern(glob, path=True) for glob in globs), *real_paths)

    def names(globs: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
        return tuple(glob_pattern(glob) for glob in globs)

    def unit_names(globs: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
        return tuple(glob_pattern(glob, path=True) for glob in globs)  # no star reaches into a user's own manager

    def regexes(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(pattern) for pattern in patterns)

    converters: dict[str, Callable[[Any], Any]] = {"exe": paths, "name": names, "unit": unit_names, "cmdline": regexes,
                                                   "namespaces": Namespaces, "rss_above": _size}
    return ProcessNoun(name, place=ir.get("places", {}).get(name, ""), **_converted(values, converters))


def _spool(name: str, values: Values) -> SpoolNoun:
    return SpoolNoun(name, **_converted(values, {"busy": Busy}))


def _service(name: str, values: Values) -> ServiceNoun:
    return ServiceNoun(name, **_converted(values, {"probe": _probe}))


def _probe(values: Values) -> ProbeSpec:
    rest = _converted({key: value for key, value in values.items() if key not in ("tcp", "run")}, {})
    if "run" in values:
        return RunProbe(values["run"], **rest)
    host, port = values["tcp"]
    return TcpProbe(host, port, **rest)


def _protect(name: str, values: Values) -> Protect:
    return Protect(name, **_converted(values, {"children": Children}))


def _limit(name: str, values: Values) -> Limit:
    return Limit(name, **_converted(values, {"rss": _size, "swap": _size, "total_rss": _size, "first": First,
                                              "exceeds": Exceeds, "then": Then, "memory_high": _size,
                                              "memory_max": _size}))


def _recover(name: str, values: Values, fingerprints: Mapping[str, str]) -> Recover:
    return Recover(name, fingerprint=fingerprints.get(name, ""), **_converted(values, {
        "when": lambda clauses: tuple(_clause(clause) for clause in clauses),
        "steps": lambda steps: tuple(_step(step) for step in steps),
        "hours": lambda hours: Hours(*hours), "mode": Mode}))


def _clean(name: str, values: Values) -> Clean:
    return Clean(name, **_converted(values, {"hours": lambda hours: Hours(*hours), "mode": Mode}))


def _clause(values: Values) -> Clause:
    """Only sizes are tuples among a clause's values."""
    asked = {key: _size(value) if isinstance(value, tuple) else value for key, value in values.items() if key != "for"}
    return Clause(registry.build(asked), **_converted({key: values[key] for key in ("for",) if key in values}, {}))


def _step(values: Values) -> RecoveryStep:
    verb = next(verb for verb in Verb if verb.value in values)
    value, within = values[verb.value], values.get("within")
    match verb:
        case Verb.RUN:
            return RecoveryStep(verb, argv=value, within_seconds=within)
        case Verb.WAIT:
            return RecoveryStep(verb, within_seconds=value)
        case Verb.START if value == "stopped":
            return RecoveryStep(verb, stopped=True, within_seconds=within)
        case Verb.CONTAIN:
            maximum = _size(values["memory_max"]) if "memory_max" in values else None
            return RecoveryStep(verb, names=value, within_seconds=within, memory_high=_size(values["memory_high"]),
                                memory_max=maximum)
        case _:
            return RecoveryStep(verb, names=value, within_seconds=within)

"""Owns what the daemon and the child that scans tell each other: a JSON line each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from watchdog_oom.core.model import ProcessId, SpoolState
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any

MOST_LINE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Scanned:
    """How a spool stands by now."""

    spool: str
    state: SpoolState


@dataclass(frozen=True, slots=True)
class Used:
    """Which spools processes use, where the answer is new; ``None`` where it cannot be told."""

    by_process: Mapping[ProcessId, frozenset[str] | None]


def scanned_line(spool: str, state: SpoolState) -> bytes:
    return _line("scanned", spool, [getattr(state, name) for name in SpoolState.__match_args__])


def used_line(news: Mapping[ProcessId, frozenset[str] | None]) -> bytes:
    return _line("used", [[identity.pid, identity.start_ticks, None if names is None else sorted(names)]
                          for identity, names in news.items()])


def parse_news(line: bytes) -> Scanned | Used | None:
    """What the child told; ``None`` where that makes no sense (Law 10)."""
    try:
        match json.loads(line):
            case ["scanned", str(spool), [*values]] if len(values) == len(SpoolState.__match_args__):
                _check_state(values)
                return Scanned(spool, SpoolState(*values))
            case ["used", [*answers]]:
                return Used({ProcessId(int(pid), int(start)): None if names is None else frozenset(map(str, names))
                             for pid, start, names in answers})
    except (ValueError, TypeError, RecursionError):
        pass
    return None


def rescan_line(spool: str) -> bytes:
    """The daemon asks for a scan at once."""
    return _line("rescan", spool)


def allow_line(spool: str) -> bytes:
    """The daemon lets a spool be touched again that was left alone."""
    return _line("allow", spool)


def sparing_line(sparing: bool) -> bytes:
    """Memory is short: scan as little as can be; or no longer."""
    return _line("sparing", sparing)


def offsets_line(offsets: Iterable[float]) -> bytes:
    """The clock's offsets, since the date was set."""
    return _line("offsets", list(offsets))


def ask_line(processes: Iterable[ProcessId]) -> bytes:
    """The processes whose use of spools matters from now on."""
    return _line("ask", [[identity.pid, identity.start_ticks] for identity in processes])


def parse_order(line: bytes) -> list[Any]:
    """What the daemon told, as a list whose first item says what it is; empty where that makes no sense."""
    try:
        order = json.loads(line)
    except (ValueError, RecursionError):
        return []
    return order if isinstance(order, list) else []


def split_lines(received: bytearray) -> list[bytes]:
    """Take all whole lines out of what was received."""
    *lines, rest = bytes(received).split(b"\n")
    received[:] = rest
    return lines


def _line(*parts: object) -> bytes:
    return json.dumps(parts).encode("ascii") + b"\n"


def _check_state(values: list[Any]) -> None:
    for name, value in zip(SpoolState.__match_args__, values, strict=True):
        match name:
            case "problem" | "gaps":
                fits = value is None or isinstance(value, str)
            case "complete" | "finished":
                fits = isinstance(value, bool)
            case _:
                fits = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits:
            raise ValueError(name)

"""The other side of ``packing``, in the child: packets become snapshots again."""

from __future__ import annotations

import marshal
import re
from collections.abc import Callable, Mapping

from watchdog_oom.core.memory import Memory, Pressure, ServiceMemory, Sharing
from watchdog_oom.core.model import (
    Clock,
    Facts,
    KernelKill,
    Process,
    ProcessId,
    ServiceState,
    ServiceStatus,
    Snapshot,
    SpoolState,
)
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.daemon.flight.packing import FLAT, PLAIN_FACTS
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any

_RECORDS = (Clock, EffectReport, Facts, KernelKill, Memory, Outcome, Pressure, Process, ProcessId, ServiceMemory,
            ServiceState, ServiceStatus, Sharing, SpoolState)
_MAKERS: Mapping[str, Callable[..., Any]] = {
    **{kind.__name__: kind for kind in _RECORDS}, "Pattern": re.compile, "Fact": str,
    "tuple": lambda *parts: parts, "list": lambda *parts: parts, "frozenset": lambda *parts: frozenset(parts),
    "dict": lambda *parts: dict(zip(parts[::2], parts[1::2], strict=True))}


@dataclass(frozen=True, slots=True)
class ToldTick:
    """One tick as the daemon told it: what changed apart from processes, what happened, whether every tick counts,
    whether something opens, and how many ticks could not be told right before it."""

    clock: Clock
    states: Mapping[str, Any]
    events: Mapping[str, Any]
    pressing: bool
    opening: bool
    dropped: int


class Mirror:
    """What the daemon saw, as far as the packets that were applied tell it."""

    def __init__(self) -> None:
        self.processes: dict[int, Process] = {}
        self._states: dict[str, Any] = {}

    def take_processes(self, packet: bytes) -> None:
        gone, fresh = marshal.loads(packet)  # noqa: S302 - it comes from our own process
        for pid in gone:
            self.processes.pop(pid, None)
        for pid, start_ticks, *flat, sharing, facts in fresh:
            identity, was = ProcessId(pid, start_ticks), self.processes.get(pid)
            if was is not None and was.id != identity:
                del self.processes[pid]  # another process, which comes last now
            known = _facts(facts) if facts is not None or was is None else was.facts
            self.processes[pid] = Process(id=identity, **dict(zip(FLAT, flat, strict=True)), facts=known,
                                          sharing=unpacked(sharing))

    def take_tick(self, tick: ToldTick) -> Snapshot:
        """The snapshot of that tick."""
        self._states |= tick.states
        return Snapshot(clock=tick.clock, processes=dict(self.processes), **self._states, **tick.events)


def _facts(values: tuple[Any, ...]) -> Facts:
    *plain, has, lacks, asked = values
    return Facts(**dict(zip(PLAIN_FACTS, plain, strict=True)), cmdline_has=unpacked(has), cmdline_lacks=unpacked(lacks),
                 asked=frozenset(asked))


def read_tick(packet: bytes) -> ToldTick:
    clock, states, events, pressing, opening, dropped = marshal.loads(packet)  # noqa: S302 - it comes from our own process
    kills, gaps, reports = unpacked(events)
    return ToldTick(unpacked(clock), {name: unpacked(value) for name, value in states.items()},
                    {"kernel_kills": kills, "kernel_log_gaps": gaps, "reports": reports}, pressing, opening, dropped)


def unpacked(value: Any) -> Any:
    """The way back of ``packing.packed``."""
    if type(value) is not tuple:
        return value
    return _MAKERS[value[0]](*[unpacked(part) for part in value[1:]])

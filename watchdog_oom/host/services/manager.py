"""What every service manager is asked for, and the choice of the one this host has.

A manager only turns a wish into an argument vector and an answer into a state: it starts no process itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from watchdog_oom.core.model import ServiceState
from watchdog_oom.lean_dataclasses import dataclass

INIT_DIR = "/etc/init.d"


class ServiceManager(Protocol):
    """How to stop, start and ask one kind of service manager. Units may be named with or without ``.service``."""

    name: str

    def stop(self, unit: str) -> tuple[str, ...]:
        """The argument vector that stops the unit."""

    def start(self, unit: str) -> tuple[str, ...]:
        """The argument vector that starts the unit."""

    def status(self, unit: str) -> tuple[str, ...]:
        """The argument vector that asks for the unit's state."""

    def bound_memory(self, unit: str, high_bytes: int, max_bytes: int | None) -> tuple[str, ...]:
        """The argument vector that sets the unit's MemoryHigh, and MemoryMax unless ``None``, until the next boot at
        the latest; empty where the manager has no such thing."""

    def forget_bounds(self, unit: str) -> str:
        """Remove what is left of bounds that were set and then given back; what went wrong, in words, or nothing."""

    def before_retry(self, unit: str, text: str) -> tuple[str, ...] | None:
        """What to run once before a failed start is tried again, judging by what the start printed."""

    def judge(self, verb: str, exit_status: int, text: str) -> tuple[bool, str]:
        """Whether a stop or start that ended did what it should, by its own account, and what it says in words."""

    def parse_status(self, unit: str, exit_status: int, text: str, boottime: float) -> ServiceState:
        """The state from an answer; ``boottime`` is when the question was asked. Anything unheard of is UNKNOWN."""

    def exists(self, unit: str) -> bool:
        """Whether the host has such a unit, from the files alone, without asking the manager."""


@dataclass(frozen=True, slots=True)
class JobEnd:
    """What became of what was asked for over a bus; ``ok`` is ``None`` where it could not be asked for there, and
    nothing was done."""

    key: str
    ok: bool | None
    words: str


class ServiceBus(Protocol):
    """A service manager that is spoken to rather than called as a program. Nothing here blocks; all moments are seconds
    of CLOCK_BOOTTIME. ``fileno()`` is readable when ``answers`` and ``ended`` are worth a call."""

    def fileno(self) -> int: ...

    def ask(self, units: Iterable[str], now: float) -> None:
        """Ask for the states of these units."""

    def answers(self, now: float) -> tuple[tuple[str, ServiceState | None], ...]:
        """What was told since the last call; ``None``: the unit must be asked for by program."""

    def begin(self, key: str, verb: str, unit: str, now: float, *, seconds: float, incident: str = "") -> None:
        """Ask for a ``stop`` or ``start``, of at most ``seconds`` where the unit has no deadline of its own."""

    def bound_memory(self, key: str, unit: str, high_bytes: int, max_bytes: int | None, now: float, *,
                     seconds: float) -> None:
        """Ask that MemoryHigh be set, and MemoryMax unless ``None``, until the next boot at the latest."""

    def ended(self, now: float) -> tuple[JobEnd, ...]:
        """The stops, starts and settings that ended since the last call."""

    def close(self) -> None:
        """Let go of it; it may be called again."""


def bus_of(manager: ServiceManager) -> ServiceBus | None:
    """The bus over which this manager can be spoken to, if there is such a thing."""
    # Asking isinstance of a Protocol would import inspect, 1 MB, from Python 3.12 on.
    bus: ServiceBus | None = getattr(manager, "bus", None)
    return bus



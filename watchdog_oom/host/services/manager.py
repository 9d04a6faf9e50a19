"""The interface of every service manager, and of the bus of one that has a bus.

A manager only turns a request into an argument vector and an answer into a state: it starts no process itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from watchdog_oom.core.model import ServiceState
from watchdog_oom.core.outcome import Outcome
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Protocol

INIT_DIR = "/etc/init.d"


class ServiceManager(Protocol):
    """How to stop and start services and query their states with one kind of service manager. Units may be named with
    or without ``.service``."""

    name: str

    def stop(self, unit: str) -> tuple[str, ...]:
        """The argument vector that stops the unit."""

    def start(self, unit: str) -> tuple[str, ...]:
        """The argument vector that starts the unit."""

    def status(self, unit: str) -> tuple[str, ...]:
        """The argument vector that queries the unit's state."""

    def bound_memory(self, unit: str, high_bytes: int, max_bytes: int | None) -> tuple[str, ...]:
        """The argument vector that sets the unit's MemoryHigh, and MemoryMax unless ``None``, until the next boot at
        the latest; empty if the manager does not support it."""

    def forget_bounds(self, unit: str) -> str:
        """Remove what is left of bounds that were set and then restored; returns what went wrong, in words, or
        nothing."""

    def before_retry(self, unit: str, text: str) -> tuple[str, ...] | None:
        """What to run once before a failed start is retried, depending on what the start printed."""

    def judge(self, verb: str, exit_status: int, text: str) -> tuple[bool, str]:
        """Whether a stop or start succeeded, by its exit status and output, and its result in words."""

    def parse_status(self, unit: str, exit_status: int, text: str, boottime: float) -> ServiceState:
        """The state from an answer; ``boottime`` is when it was queried. Anything unexpected is UNKNOWN."""

    def exists(self, unit: str) -> bool:
        """Whether the host has such a unit, from the files only, without asking the manager."""


@dataclass(frozen=True, slots=True)
class JobEnd:
    """What became of what was asked for over a bus; the outcome is not known (``ok`` is ``None``) where it could not be
    asked for there, and nothing was done."""

    key: str
    outcome: Outcome


class ServiceBus(Protocol):
    """A service manager used over a bus instead of by a program. Nothing here blocks; all times are seconds of
    CLOCK_BOOTTIME. ``fileno()`` is readable when ``answers`` and ``ended`` should be called."""

    def fileno(self) -> int: ...

    def ask(self, units: Iterable[str], now: float) -> None:
        """Query the states of these units."""

    def answers(self, now: float) -> tuple[tuple[str, ServiceState | None], ...]:
        """The states received since the last call; ``None``: the unit must be queried by a program."""

    def begin(self, key: str, verb: str, unit: str, now: float, *, seconds: float, incident: str = "") -> None:
        """Request a ``stop`` or ``start``, of at most ``seconds`` if the unit has no timeout of its own."""

    def bound_memory(self, key: str, unit: str, high_bytes: int, max_bytes: int | None, now: float, *,
                     seconds: float) -> None:
        """Request that MemoryHigh be set, and MemoryMax unless ``None``, until the next boot at the latest."""

    def ended(self, now: float) -> tuple[JobEnd, ...]:
        """The stops, starts and settings that ended since the last call."""

    def close(self) -> None:
        """Close the connection; the bus can be used again afterwards."""


def bus_of(manager: ServiceManager) -> ServiceBus | None:
    """The bus of this manager, if it has one."""
    # isinstance with a Protocol imports inspect, 1 MB, from Python 3.12 on.
    bus: ServiceBus | None = getattr(manager, "bus", None)
    return bus



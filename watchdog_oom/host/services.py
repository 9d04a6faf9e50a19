"""What every service manager is asked for, and the choice of the one this host has.

A manager only turns a wish into an argument vector and an answer into a state: it starts no process itself.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterable
from typing import Protocol

from watchdog_oom.core.model import ServiceState
from watchdog_oom.errors import UsageError
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass

INIT_DIR = "/etc/init.d"
_UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9:_.\\@-]{0,254}")
_SUFFIXES = (".service", ".socket", ".timer", ".path", ".target", ".mount", ".automount", ".swap", ".slice", ".scope")


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

    def next_deadline(self) -> float | None:
        """When ``answers`` and ``ended`` must be called at the latest."""

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


def choose_manager(wanted: str = "auto", *, root: str = "/", init_dir: str = INIT_DIR) -> ServiceManager:
    """The service manager: ``systemd``, ``service``, or ``auto`` for the one that runs (sd_booted(3)).

    ``init_dir`` is where the init scripts of ``service`` are. Raises UsageError for any other word.
    """
    if wanted not in ("auto", "systemd", "service"):
        raise UsageError(f"services: {wanted!r} is no service manager; use auto, systemd or service")
    # Only the one that is used is imported: what is imported stays in locked memory.
    if wanted == "systemd" or (wanted == "auto" and os.path.isdir(os.path.join(root, "run/systemd/system"))):
        from watchdog_oom.host.systemd import Systemd
        return Systemd(root=root)
    from watchdog_oom.host.lsb import Lsb
    return Lsb(init_dir)


def is_unit_name(text: str) -> bool:
    """Whether it can be the name of a unit: no slash, no leading dash or dot, nothing that is not printable ASCII."""
    return _UNIT.fullmatch(text) is not None


def full_name(unit: str) -> str:
    """The unit's name with its suffix, which is ``.service`` where none is given."""
    return unit if unit.endswith(_SUFFIXES) else f"{unit}.service"


def one_line(text: str) -> str:
    """What a program printed, on one line and safe to print."""
    return "; ".join(printable(line.strip()) for line in text.splitlines() if line.strip())


def with_output(words: str, text: str) -> str:
    """Words followed by what a program printed, if it printed anything."""
    line = one_line(text)
    return f"{words}: {line}" if line else words


def exit_words(exit_status: int) -> str:
    """An exit status as shells count it, in words."""
    if exit_status <= 128:
        return f"ended with status {exit_status}"
    return f"was ended by {_signal_name(exit_status - 128)}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"status {128 + number}"

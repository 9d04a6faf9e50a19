"""What every service manager is asked for, and the choice of the one this host has.

A manager only turns a wish into an argument vector and an answer into a state: it starts no process itself.
"""

from __future__ import annotations

import os
import re
import signal
from typing import Protocol

from watchdog_oom.errors import UsageError
from watchdog_oom.model import ServiceState
from watchdog_oom.steps import printable

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

    def before_retry(self, unit: str, text: str) -> tuple[str, ...] | None:
        """What to run once before a failed start is tried again, judging by what the start printed."""

    def judge(self, verb: str, exit_status: int, text: str) -> tuple[bool, str]:
        """Whether a stop or start that ended did what it should, by its own account, and what it says in words."""

    def parse_status(self, unit: str, exit_status: int, text: str, boottime: float) -> ServiceState:
        """The state from an answer; ``boottime`` is when the question was asked. Anything unheard of is UNKNOWN."""

    def exists(self, unit: str) -> bool:
        """Whether the host has such a unit, from the files alone, without asking the manager."""


def choose_manager(wanted: str = "auto", *, root: str = "/", init_dir: str = INIT_DIR) -> ServiceManager:
    """The service manager: ``systemd``, ``service``, or ``auto`` for the one that runs (sd_booted(3)).

    ``init_dir`` is where the init scripts of ``service`` are. Raises UsageError for any other word.
    """
    if wanted not in ("auto", "systemd", "service"):
        raise UsageError(f"services: {wanted!r} is no service manager; use auto, systemd or service")
    # Only the one that is used is imported: what is imported stays in locked memory.
    if wanted == "systemd" or (wanted == "auto" and os.path.isdir(os.path.join(root, "run/systemd/system"))):
        from watchdog_oom.host.systemctl import Systemctl
        return Systemctl(root=root)
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

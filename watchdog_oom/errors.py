"""Every error a user can see, each with its exit status; both programs turn them into one line and an exit status."""

from __future__ import annotations

from watchdog_oom.lean_dataclasses import dataclass


class WatchdogError(Exception):
    """An error for people: what happened, where, what to do."""

    exit_status = 2


FAILED_EXIT_STATUS = 70  # EX_SOFTWARE of sysexits.h: 1 is for what a command found


class UsageError(WatchdogError):
    """The command line or the daemon's own configuration is wrong."""


class NotPermittedError(WatchdogError):
    """The system did not permit it; the message names the capability or the owner that is missing."""

    exit_status = 3


class NotRunningError(WatchdogError):
    """The daemon is not running, so it cannot be asked."""

    exit_status = 4


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault in a policy file: ``file:line: [table] key: what is wrong — did you mean …?``"""

    file: str
    line: int
    where: str
    what: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        return f"{place}{self.where}: {self.what}" if self.where else f"{place}{self.what}"


class PolicyError(WatchdogError):
    """One or more policies cannot be used; carries every fault that was found."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def place_of(error: BaseException) -> str:
    """Where in our own code an unexpected error was raised, for a bug report: ``file.py:line``."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return "an unknown place"
    return f"{traceback.tb_frame.f_code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno}"

"""Services by init scripts, as Debian runs them without systemd: ``service NAME stop|start|status``.

The meaning of exit statuses is from the Linux Standard Base, core generic, chapter "Init Script Actions".
"""

from __future__ import annotations

import os

from watchdog_oom.core.model import ServiceState, ServiceStatus
from watchdog_oom.core.unit_name import is_unit_name
from watchdog_oom.host.services.manager import INIT_DIR
from watchdog_oom.host.services.program_words import exit_words, with_output

_STATUS = {
    0: (ServiceStatus.ACTIVE, "running"),
    1: (ServiceStatus.FAILED, "dead, but its pid file is there"),
    2: (ServiceStatus.FAILED, "dead, but its lock file is there"),
    3: (ServiceStatus.INACTIVE, "not running"),
    4: (ServiceStatus.UNKNOWN, "its script does not know the state"),
}
_FAILURES = {
    1: "failed", 2: "failed: its script does not take the argument", 3: "failed: its script cannot do this",
    4: "failed: not permitted", 5: "failed: it is not installed", 6: "failed: it is not configured",
    7: "failed: it is not running", 127: "failed: a command was not found",
}
_NOT_RUNNING = 7


class Lsb:
    """Init scripts in ``init_dir``: through service(8) if that is Debian's own directory, else called directly.

    The suffix ``.service`` is dropped. There are no sockets and timers: only services can be stopped.
    """

    name = "lsb"

    def __init__(self, init_dir: str = INIT_DIR) -> None:
        self.init_dir = init_dir

    def stop(self, unit: str) -> tuple[str, ...]:
        return self._call(unit, "stop")

    def start(self, unit: str) -> tuple[str, ...]:
        return self._call(unit, "start")

    def status(self, unit: str) -> tuple[str, ...]:
        return self._call(unit, "status")

    def bound_memory(self, unit: str, high_bytes: int, max_bytes: int | None) -> tuple[str, ...]:
        return ()

    def forget_bounds(self, unit: str) -> str:
        return ""

    def before_retry(self, unit: str, text: str) -> tuple[str, ...] | None:
        return None

    def judge(self, verb: str, exit_status: int, text: str) -> tuple[bool, str]:
        if exit_status == 0:
            return True, f"{verb} done"
        if verb == "stop" and exit_status == _NOT_RUNNING:
            return True, "it was not running"
        if _not_there(text):
            return False, with_output(f"{verb} failed: it is not installed", text)
        return False, with_output(f"{verb} {_FAILURES.get(exit_status, exit_words(exit_status))}", text)

    def parse_status(self, unit: str, exit_status: int, text: str, boottime: float) -> ServiceState:
        status, words = _STATUS.get(exit_status, (ServiceStatus.UNKNOWN, f"its script {exit_words(exit_status)}"))
        if _not_there(text):
            status, words = ServiceStatus.MISSING, "there is no such init script"
        elif _is_usage(text, exit_status):
            # Scripts older than "status" print their usage and end with anything, which would be read as a state.
            status, words = ServiceStatus.UNKNOWN, "its script does not support status"
        return ServiceState(unit, status, boottime, words=words, knowable=status is not ServiceStatus.UNKNOWN)

    def exists(self, unit: str) -> bool:
        return is_unit_name(unit) and os.access(os.path.join(self.init_dir, _script(unit)), os.X_OK)

    def _call(self, unit: str, verb: str) -> tuple[str, ...]:
        if self.init_dir == INIT_DIR:
            return ("service", _script(unit), verb)
        return (os.path.join(self.init_dir, _script(unit)), verb)


def _script(unit: str) -> str:
    return unit.removesuffix(".service")


def _is_usage(text: str, exit_status: int) -> bool:
    """Whether a script told how it is called, instead of a state. One that ends with 0 may tell of the memory usage."""
    lines = [line.strip(" *").lower() for line in text.splitlines()]
    if exit_status == 0:
        return any(line.startswith("usage:") and "start" in line for line in lines)
    return any("usage:" in line for line in lines)


def _not_there(text: str) -> bool:
    """service(8) says so and ends with 1, which would be read as "dead"; called directly, it cannot be executed."""
    one_line = "\n" not in text
    return text.endswith(": unrecognized service") or (one_line and text.endswith(": No such file or directory"))

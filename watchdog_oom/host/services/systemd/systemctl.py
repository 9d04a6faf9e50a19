"""Services by systemd, through systemctl(1): as root it talks to PID 1 directly, without dbus-daemon."""

from __future__ import annotations

import os

from watchdog_oom.core.model import UNLIMITED_BYTES, ServiceState, ServiceStatus
from watchdog_oom.core.unit_name import full_name, is_unit_name
from watchdog_oom.host.services.program_words import exit_words, one_line, with_output
from watchdog_oom.host.services.systemd.dropins import bound_at_runtime, forget_bounds

_PROPERTIES = ("Id,LoadState,ActiveState,SubState,Result,MainPID,UnitFileState,NRestarts,MemoryHigh,MemoryMax,"
               "ControlGroup")
# systemd.unit(5), "System Unit Search Path", and the directories of the generators.
_UNIT_DIRS = ("etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system",
              "lib/systemd/system", "run/systemd/generator.early", "run/systemd/generator",
              "run/systemd/generator.late")
_ACTIVE = {
    "active": ServiceStatus.ACTIVE, "reloading": ServiceStatus.ACTIVE, "refreshing": ServiceStatus.ACTIVE,
    "inactive": ServiceStatus.INACTIVE, "failed": ServiceStatus.FAILED, "activating": ServiceStatus.CHANGING,
    "deactivating": ServiceStatus.CHANGING, "maintenance": ServiceStatus.CHANGING,
}
_LOAD_PROBLEMS = {
    "not-found": "there is no such unit", "masked": "the unit is masked; only the operator can unmask it",
    "bad-setting": "its unit file has a bad setting", "error": "its unit file cannot be loaded",
}
_START_LIMIT = ("start of the service was attempted too often", "Start request repeated too quickly", "start-limit-hit")


class Systemctl:
    """systemd. Jobs are queued with mode ``fail``, so that an operator's queued job is never replaced."""

    name = "systemd"

    def __init__(self, program: str = "systemctl", *, root: str = "/") -> None:
        self._program = program
        self._root = root

    def stop(self, unit: str) -> tuple[str, ...]:
        return (self._program, "--no-ask-password", "--job-mode=fail", "stop", "--", full_name(unit))

    def start(self, unit: str) -> tuple[str, ...]:
        return (self._program, "--no-ask-password", "--job-mode=fail", "start", "--", full_name(unit))

    def status(self, unit: str) -> tuple[str, ...]:
        return (self._program, "--no-pager", "show", "-p", _PROPERTIES, "--", full_name(unit))

    def bound_memory(self, unit: str, high_bytes: int, max_bytes: int | None) -> tuple[str, ...]:
        """``--runtime``: the setting does not survive a reboot (systemctl(1), set-property)."""
        bounds = {"MemoryHigh": high_bytes} | ({} if max_bytes is None else {"MemoryMax": max_bytes})
        assignments = (f"{key}={'infinity' if amount == UNLIMITED_BYTES else amount}" for key, amount in bounds.items())
        return (self._program, "--no-ask-password", "--runtime", "set-property", "--", full_name(unit), *assignments)

    def forget_bounds(self, unit: str) -> str:
        return forget_bounds(unit, self._root)

    def before_retry(self, unit: str, text: str) -> tuple[str, ...] | None:
        """A start limit that was hit by the failures a recovery repairs also refuses manual starts."""
        if any(words in text for words in _START_LIMIT):
            return (self._program, "--no-ask-password", "reset-failed", "--", full_name(unit))
        return None

    def judge(self, verb: str, exit_status: int, text: str) -> tuple[bool, str]:
        if exit_status == 0:
            return True, f"{verb} done"
        return False, with_output(f"{verb} failed, systemctl {exit_words(exit_status)}", text)

    def parse_status(self, unit: str, exit_status: int, text: str, boottime: float) -> ServiceState:
        values = parse_properties(text)
        if exit_status != 0 or "ActiveState" not in values:
            told = one_line(text) or f"systemctl {exit_words(exit_status)}"
            return ServiceState(unit, ServiceStatus.UNKNOWN, boottime, words=told)
        status, words = judged_properties(values)
        identity = values.get("Id", "")
        if identity and identity != full_name(unit):
            words = f"{words}, is {one_line(identity)}"
        main_pid = values.get("MainPID", "")
        return ServiceState(unit, status, boottime, int(main_pid) if main_pid.isdecimal() else 0, words,
                            memory_bytes(values.get("MemoryHigh")), memory_bytes(values.get("MemoryMax")),
                            control_group=values.get("ControlGroup", ""),
                            bound_at_runtime=bound_at_runtime(unit, self._root))

    def exists(self, unit: str) -> bool:
        """Whether there is a unit file, an alias, the template of an instance, or an init script for a generator."""
        if not is_unit_name(unit):
            return False
        name = full_name(unit)
        template = f"{name.split('@', 1)[0]}@.{name.rsplit('.', 1)[1]}" if "@" in name else name
        places = [os.path.join(self._root, place, file) for place in _UNIT_DIRS for file in (name, template)]
        places.append(os.path.join(self._root, "etc/init.d", name.removesuffix(".service")))
        return any(os.path.lexists(place) for place in places)


def parse_properties(text: str) -> dict[str, str]:
    """The lines ``Key=value`` of ``systemctl show``; other output is ignored."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {key: value for key, equals, value in pairs if equals and key.isalnum()}


def memory_bytes(text: str | None) -> int | None:
    """A memory bound as ``systemctl show`` prints it: bytes, or infinity."""
    if text == "infinity":
        return UNLIMITED_BYTES
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) <= 20 else None


def judged_properties(values: dict[str, str]) -> tuple[ServiceStatus, str]:
    active, detail = values["ActiveState"], values.get("SubState", "")
    words = active if detail in ("", active) else f"{active} ({detail})"
    problem = _LOAD_PROBLEMS.get(values.get("LoadState", ""))
    if problem is not None:
        # Even if it runs: a unit that cannot be loaded could be stopped, but not started again (Law 5).
        return ServiceStatus.MISSING, problem if active == "inactive" else f"{problem}; it is {words}"
    result = values.get("Result", "success")
    if result not in ("", "success"):
        words += f", {one_line(result)}"
    if values.get("NRestarts", "0") not in ("0", ""):
        words += f", restarts: {one_line(values['NRestarts'])}"
    if values.get("UnitFileState") == "disabled":
        words += ", disabled"
    return _ACTIVE.get(active, ServiceStatus.UNKNOWN), one_line(words)

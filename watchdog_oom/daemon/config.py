"""The daemon's own configuration: budgets, journal, tick, services, recorder. Parsed by ``policy.load.load_config``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from watchdog_oom.core.hook_action import HookEvent, HookSettings
from watchdog_oom.host.services.manager import INIT_DIR
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any


class Manager(StrEnum):
    """Who starts and stops services; ``auto`` is systemd if it runs, else ``service``."""

    AUTO = "auto"
    SYSTEMD = "systemd"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Config:
    """/etc/watchdog-oom/watchdog-oom.toml; the values here are the defaults. ``doubts`` are hooks that could not be run
    when it was read, each in words with its line."""

    kills_per_minute: int = 30
    purge_entries: int = 200_000
    journal_segment_bytes: int = 8 << 20
    journal_keep: int = 10
    tick_fastest_seconds: float = 0.1
    tick_slowest_seconds: float = 1.0
    service_manager: Manager = Manager.AUTO
    init_dir: str = INIT_DIR
    hook_incident_opens: tuple[str, ...] = ()
    hook_before_kill: tuple[str, ...] = ()
    hook_hold_begins: tuple[str, ...] = ()
    hook_incident_closes: tuple[str, ...] = ()
    hook_timeout_seconds: float = 10.0
    doubts: tuple[str, ...] = ()
    recorder_enabled: bool = True
    recorder_keep_seconds: float = 7 * 86400.0
    recorder_size_bytes: int = 64 << 20
    recorder_every_seconds: float = 10.0

    @property
    def hooks(self) -> HookSettings:
        """The hooks that there are."""
        programs = {HookEvent.INCIDENT_OPENS: self.hook_incident_opens, HookEvent.BEFORE_KILL: self.hook_before_kill,
                    HookEvent.HOLD_BEGINS: self.hook_hold_begins, HookEvent.INCIDENT_CLOSES: self.hook_incident_closes}
        return HookSettings({event: argv for event, argv in programs.items() if argv}, self.hook_timeout_seconds)


FIELDS: Mapping[tuple[str, str], str] = {
    ("budget", "kills_per_minute"): "kills_per_minute",
    ("budget", "purge_entries"): "purge_entries",
    ("journal", "segment_size"): "journal_segment_bytes",
    ("journal", "keep"): "journal_keep",
    ("tick", "fastest"): "tick_fastest_seconds",
    ("tick", "slowest"): "tick_slowest_seconds",
    ("services", "manager"): "service_manager",
    ("services", "init_dir"): "init_dir",
    **{("hooks", event.value): f"hook_{event}" for event in HookEvent},
    ("hooks", "timeout"): "hook_timeout_seconds",
    ("recorder", "enabled"): "recorder_enabled",
    ("recorder", "keep"): "recorder_keep_seconds",
    ("recorder", "size"): "recorder_size_bytes",
    ("recorder", "every"): "recorder_every_seconds",
}


def build_config(ir: Mapping[str, Mapping[str, Any]]) -> Config:
    """The configuration from the plain values that ``load_config`` checked; missing keys keep their defaults."""
    given = {FIELDS[table, key]: value for table, values in ir.items() if table != "doubts"
             for key, value in values.items()}
    if "service_manager" in given:
        given["service_manager"] = Manager(given["service_manager"])
    return Config(**given, doubts=tuple(ir.get("doubts", ())))

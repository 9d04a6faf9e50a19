"""The programs of the administrator's that are told of an incident, and the running of one as an effect."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from watchdog_oom.core.model import ProcessId
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass, field


class HookEvent(StrEnum):
    """What a hook is run for; the keys of ``[hooks]`` in the configuration file."""

    INCIDENT_OPENS = "incident_opens"
    BEFORE_KILL = "before_kill"
    HOLD_BEGINS = "hold_begins"
    INCIDENT_CLOSES = "incident_closes"


@dataclass(frozen=True, slots=True)
class HookSettings:
    """``[hooks]``: the argument vector for each event that has a hook, and after how long one is killed."""

    programs: Mapping[HookEvent, tuple[str, ...]] = field(default_factory=dict)
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Victim:
    """A process that is about to get a signal, TERM or KILL, by a rule and for its reasons."""

    target: ProcessId
    comm: str
    signal: str
    rule: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunHook:
    """Run a hook: a fixed argument vector, without a shell, killed after ``within_seconds``. It is told the incident,
    the rule and the reasons of its intent, the ``victims`` where some are about to be ended, and how an incident came
    out: ``result`` in words, ``ok``."""

    event: HookEvent
    argv: tuple[str, ...]
    within_seconds: float
    victims: tuple[Victim, ...] = ()
    result: str = ""
    ok: bool | None = None

    def __str__(self) -> str:
        return f"hook {self.event}: " + " ".join(printable(word) for word in self.argv)

"""The validated policy as the rules read it: plain frozen values, no parsing, no system."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from watchdog_oom.lean_dataclasses import dataclass, field

if TYPE_CHECKING:
    from watchdog_oom.conditions import Condition
    from watchdog_oom.policy.limits import Limit


@dataclass(frozen=True, slots=True)
class Size:
    """An amount of memory or disk: absolute bytes, or percent of a total known only at run time."""

    amount_bytes: int | None = None
    percent: float | None = None

    def of(self, total_bytes: int) -> float:
        """The size in bytes, given the total that a percentage refers to."""
        if self.amount_bytes is not None:
            return self.amount_bytes
        return total_bytes * (self.percent or 0.0) / 100.0

    def scaled(self, factor: float) -> Size:
        """That many times as much; a percentage stays within 100."""
        if self.amount_bytes is not None:
            return Size(amount_bytes=int(self.amount_bytes * factor))
        return Size(percent=min(100.0, (self.percent or 0.0) * factor))


@dataclass(frozen=True, slots=True)
class ProcessNoun:
    """[process.NAME]: every given key must hold, any of a key's values. Patterns are compiled and match in full,
    except ``cmdline``, which is searched; ``parent`` and ``under`` are names of other nouns."""

    name: str
    exe: tuple[re.Pattern[str], ...] = ()
    user: tuple[str, ...] = ()
    comm: tuple[re.Pattern[str], ...] = ()
    cmdline: tuple[re.Pattern[str], ...] = ()
    unit: tuple[re.Pattern[str], ...] = ()
    parent: tuple[str, ...] = ()
    under: tuple[str, ...] = ()


class Busy(StrEnum):
    SKIP = "skip"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class SpoolNoun:
    """[spool.NAME]: the stale direct children of ``path`` that match ``entries`` (shell globs) may be purged."""

    name: str
    path: str
    entries: tuple[str, ...]
    stale_after_seconds: float
    busy: Busy = Busy.SKIP
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class TcpProbe:
    """Connect to host:port; ``expect`` must be in what the server says first, ``send`` is sent before that."""

    host: str
    port: int
    expect: str | None = None
    within_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class RunProbe:
    """Run a command; exit status 0 means that the service answers."""

    argv: tuple[str, ...]
    expect: str | None = None
    within_seconds: float = 60.0


ProbeSpec: TypeAlias = TcpProbe | RunProbe


@dataclass(frozen=True, slots=True)
class ServiceNoun:
    """[service.NAME]: a unit, the triggers that would revive it, and how to tell that it works."""

    name: str
    unit: str
    triggers: tuple[str, ...] = ()
    stable_for_seconds: float = 0.0
    probe: ProbeSpec | None = None


class Children(StrEnum):
    RESET = "reset"
    INHERIT = "inherit"


@dataclass(frozen=True, slots=True)
class Protect:
    """[protect.NAME]: the processes of the noun are never chosen; the kernel is told ``oom_score_adj`` if given."""

    name: str
    process: str
    oom_score_adj: int | None = None
    allow_unkillable: bool = False
    children: Children = Children.RESET


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of ``when``: all its conditions hold together for ``for_seconds``."""

    conditions: tuple[Condition, ...]
    for_seconds: float = 0.0


class Verb(StrEnum):
    """The keys a recovery step can have."""

    STOP = "stop"
    START = "start"
    RESTART = "restart"
    KILL = "kill"
    FREEZE = "freeze"
    CONTAIN = "contain"
    PURGE = "purge"
    RUN = "run"
    VERIFY = "verify"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class RecoveryStep:
    """One step of a recovery. ``names`` are services (stop, start, restart, verify), processes (kill, freeze, contain)
    or spools (purge); ``stopped`` is ``start = "stopped"``; ``argv`` is for run; ``memory_high`` and ``memory_max`` are
    for contain; ``within_seconds`` is the deadline, for ``wait`` the time itself; ``None`` leaves the default of the
    verb."""

    verb: Verb
    names: tuple[str, ...] = ()
    stopped: bool = False
    argv: tuple[str, ...] = ()
    within_seconds: float | None = None
    memory_high: Size | None = None
    memory_max: Size | None = None

    def __str__(self) -> str:
        match self.verb:
            case Verb.RUN:
                return f"run {' '.join(self.argv)}"
            case Verb.WAIT:
                return f"wait {self.within_seconds:g}s"
            case Verb.START if self.stopped:
                return "start what was stopped"
            case _:
                return f"{self.verb} {', '.join(self.names)}"


class Mode(StrEnum):
    ACT = "act"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True)
class Hours:
    """Local minutes of the day [start, end); a window may pass midnight; equal ends mean the whole day."""

    start_minute: int = 0
    end_minute: int = 24 * 60

    def contain(self, minute: int) -> bool:
        if self.start_minute < self.end_minute:
            return self.start_minute <= minute < self.end_minute
        if self.start_minute == self.end_minute:
            return True
        return minute >= self.start_minute or minute < self.end_minute

    def __str__(self) -> str:
        def clock(minute: int) -> str:
            return f"{minute // 60:02d}:{minute % 60:02d}"
        return f"{clock(self.start_minute)}-{clock(self.end_minute)}"


@dataclass(frozen=True, slots=True)
class Recover:
    """[recover.NAME]: when any clause holds, the steps run as one transaction."""

    name: str
    when: tuple[Clause, ...]
    steps: tuple[RecoveryStep, ...]
    cooldown_seconds: float = 300.0
    attempts: int = 3
    per_seconds: float = 6 * 3600.0
    hours: Hours = Hours()
    mode: Mode = Mode.ACT


@dataclass(frozen=True, slots=True)
class Emergency:
    """[emergency]: TERM below both thresholds, KILL below half of both. On unless a policy says otherwise."""

    memory_available_below: Size = Size(percent=8.0)
    swap_free_below: Size = Size(percent=10.0)
    prefer: tuple[str, ...] = ()
    mode: Mode = Mode.ACT


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything all policy files say, with every name resolved. ``sources`` are the files, in order."""

    description: str = ""
    processes: Mapping[str, ProcessNoun] = field(default_factory=dict)
    spools: Mapping[str, SpoolNoun] = field(default_factory=dict)
    services: Mapping[str, ServiceNoun] = field(default_factory=dict)
    protects: Mapping[str, Protect] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    recovers: Mapping[str, Recover] = field(default_factory=dict)
    emergency: Emergency = Emergency()
    sources: tuple[str, ...] = ()

"""The validated policy as the rules read it: plain frozen values, no parsing, no system."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from watchdog_oom.core.condition import Condition
from watchdog_oom.core.nouns import ProcessNoun, ServiceNoun, Size, SpoolNoun
from watchdog_oom.lean_dataclasses import dataclass, field


class Children(StrEnum):
    RESET = "reset"
    INHERIT = "inherit"


@dataclass(frozen=True, slots=True)
class Protect:
    """[protect.NAME]: the processes of the noun are never chosen; their ``oom_score_adj`` is set if given, or where it
    is only observed, ``would`` be."""

    name: str
    process: str
    oom_score_adj: int | None = None
    allow_unkillable: bool = False
    children: Children = Children.RESET
    would: int | None = None


class First(StrEnum):
    """Which process of a group is acted on first."""

    OLDEST = "oldest"
    NEWEST = "newest"
    LARGEST = "largest"


class Exceeds(StrEnum):
    """How many of the limits of a rule must be exceeded."""

    ANY = "any"
    ALL = "all"


class Then(StrEnum):
    KILL = "kill"
    FREEZE = "freeze"
    CONTAIN = "contain"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Limit:
    """[limit.NAME]: ``then`` is done when any limit is exceeded for ``for_seconds``, or all with ``exceeds``, whether
    memory is short or not.

    ``memory_high`` and ``memory_max`` are for ``then = "contain"``: the bounds of the unit, see ``contained_at``.
    Where the limit is only observed, ``then`` is REPORT and ``would`` is what the policy says."""

    name: str
    process: str
    rss: Size | None = None
    swap: Size | None = None
    runtime_seconds: float | None = None
    total_rss: Size | None = None
    count: int | None = None
    first: First = First.OLDEST
    for_seconds: float = 0.0
    grace_seconds: float = 10.0
    then: Then = Then.KILL
    memory_high: Size | None = None
    memory_max: Size | None = None
    would: Then | None = None
    exceeds: Exceeds = Exceeds.ANY

    @property
    def waits(self) -> bool:
        """Whether processes of the group wait for their turn, see ``waiting_queue``."""
        return self.then is Then.FREEZE and (self.total_rss is not None or self.count is not None)

    @property
    def together(self) -> bool:
        """Whether each of its processes must exceed limits of its own and the group its own as well, at once."""
        return (self.exceeds is Exceeds.ALL and (self.total_rss is not None or self.count is not None)
                and (self.rss is not None or self.swap is not None or self.runtime_seconds is not None))

    @property
    def contained_at(self) -> Size | None:
        """The MemoryHigh of a contained unit: ``memory_high``, else ``total_rss``, else ``rss``."""
        return self.memory_high or self.total_rss or self.rss


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of ``when``: all its conditions must hold together for ``for_seconds``."""

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
    for contain; ``within_seconds`` is the deadline, for ``wait`` the time itself; ``None``: the verb's default."""

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
    """Local minutes of the day [start, end); a window may span midnight; equal ends mean the whole day."""

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
    """[recover.NAME]: when any clause holds, the steps run as one transaction. ``verify`` is for readers and ``check``
    only: if false, no service has to be verified afterwards."""

    name: str
    when: tuple[Clause, ...]
    steps: tuple[RecoveryStep, ...]
    cooldown_seconds: float = 300.0
    attempts: int = 3
    per_seconds: float = 6 * 3600.0
    hours: Hours = Hours()
    mode: Mode = Mode.ACT
    verify: bool = True
    fingerprint: str = ""

    @property
    def only_purges(self) -> bool:
        """Whether all it can do is clear spools: if nothing can be cleared, a run does not count as an attempt."""
        verbs = {step.verb for step in self.steps}
        return Verb.PURGE in verbs and verbs <= {Verb.PURGE, Verb.VERIFY, Verb.WAIT}


@dataclass(frozen=True, slots=True)
class Clean:
    """[clean.NAME]: the stale entries of the spool are purged ``every_seconds``, whether anything is wrong or not."""

    name: str
    spool: str
    every_seconds: float = 3600.0
    hours: Hours = Hours()
    mode: Mode = Mode.ACT


@dataclass(frozen=True, slots=True)
class Emergency:
    """[emergency]: TERM below both thresholds, KILL below half of both; also TERM when all processes have waited for
    memory for ``pressure_full_above`` percent of the time, for ``pressure_for_seconds``, while it is short. On unless a
    policy changes it."""

    memory_available_below: Size = Size(percent=8.0)
    swap_free_below: Size = Size(percent=10.0)
    pressure_full_above: float = 70.0
    pressure_for_seconds: float = 20.0
    prefer: tuple[str, ...] = ()
    mode: Mode = Mode.ACT


@dataclass(frozen=True, slots=True)
class Policy:
    """The content of all policy files with every name resolved. ``sources`` are the files, in order."""

    description: str = ""
    processes: Mapping[str, ProcessNoun] = field(default_factory=dict)
    spools: Mapping[str, SpoolNoun] = field(default_factory=dict)
    services: Mapping[str, ServiceNoun] = field(default_factory=dict)
    protects: Mapping[str, Protect] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    recovers: Mapping[str, Recover] = field(default_factory=dict)
    cleans: Mapping[str, Clean] = field(default_factory=dict)
    emergency: Emergency = Emergency()
    sources: tuple[str, ...] = ()

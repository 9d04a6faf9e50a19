"""What one tick must know of those before it: frozen, replaced whole at each tick, printable in ``status``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from watchdog_oom.core.model import KernelKill, ProcessId
from watchdog_oom.core.policy import RecoveryStep
from watchdog_oom.lean_dataclasses import dataclass, field


class Stage(StrEnum):
    """How far the ending of a process has gone; it only ever moves forward (Law 4)."""

    TERM = "TERM sent"
    KILL = "KILL sent"
    UNKILLABLE = "unkillable"


@dataclass(frozen=True, slots=True)
class Termination:
    """One process that is being ended: TERM once, KILL once, then it is called unkillable."""

    rule: str
    comm: str
    stage: Stage
    since: float
    stage_since: float
    grace_seconds: float
    because: tuple[str, ...]
    noun: str | None = None
    explicit: bool = False
    incident: str | None = None
    urgent: bool = False
    intent_id: str = ""


@dataclass(frozen=True, slots=True)
class Adjusted:
    """An oom_score_adj that we wrote: what stood there before, what we wrote, and when we last tried."""

    comm: str
    original: int
    value: int
    tried_at: float


@dataclass(frozen=True, slots=True)
class Contained:
    """A unit whose memory we bound: what we set, what stood there before (``max`` ``None``: MemoryMax is not touched),
    and the intents that asked for it. ``noun`` selects the processes it is about; ``at_runtime`` says that what stood
    there had been set for this boot, as we do.

    ``done`` is when the service manager said that the bounds are set, or why they are not (``refused``, in words), as a
    later state must show; ``seen`` says that such a state was looked at; ``released`` is when it said that they are
    given back, ``failed`` when that did not work.
    """

    rule: str
    noun: str | None
    high_bytes: int
    max_bytes: int | None
    before_high_bytes: int
    before_max_bytes: int | None
    since: float
    at_runtime: bool = False
    contain_id: str = ""
    release_id: str = ""
    done: float | None = None
    refused: str = ""
    seen: bool = False
    released: float | None = None
    failed: float | None = None


class Phase(StrEnum):
    """Where a recovery's transaction is."""

    SURVEY = "learning the services' states"
    STEPS = "running"
    COMPENSATE = "starting again what it stopped"


@dataclass(frozen=True, slots=True)
class RecoveryRun:
    """One running transaction. Names are services unless said otherwise; moments are boottime seconds.

    ``asked`` maps what the current step asked for (``"stop amavis.service"``) to the intent's id, ``told`` an intent's
    id to its report; ``stopped`` are the services this run owes a start, in the order in which they went down;
    ``triggers`` the trigger units it owes a start; ``down_before`` (services or triggers) were not active when the
    incident began; ``revive`` may be started even so. ``steps`` are those it began with; ``entered`` is when the
    current one began, ``since`` when its current service had its turn.
    """

    incident: str
    because: tuple[str, ...]
    opened: float
    phase: Phase = Phase.SURVEY
    index: int = 0
    entered: float = 0.0
    since: float = 0.0
    steps: tuple[RecoveryStep, ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, tuple[bool, str, float]] = field(default_factory=dict)
    done: frozenset[str] = frozenset()
    stopped: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    down_before: frozenset[str] = frozenset()
    revive: frozenset[str] = frozenset()
    failure: str | None = None
    active_since: float | None = None
    active_pid: int = 0

    @property
    def waiting_since(self) -> float:
        """From when on the deadline of what is being waited for counts."""
        return max(self.since, self.entered)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is remembered of one [recover.NAME] between its runs.

    ``unhelped`` counts the runs in a row after which the trouble has not gone away; ``owed`` are services that a run
    stopped and could not start again, ``owed_triggers`` the triggers of them.
    """

    run: RecoveryRun | None = None
    started: tuple[float, ...] = ()
    ended: float | None = None
    last_result: str = ""
    unhelped: int = 0
    held_since: float | None = None
    owed: tuple[str, ...] = ()
    owed_triggers: tuple[str, ...] = ()
    kills_heard_until: float = 0.0


@dataclass(frozen=True, slots=True)
class History:
    """Everything remembered. ``run_id`` tells one daemon's life from the next in the journal's ids; ``decided_at`` is
    the moment of the tick before; ``ended_at`` is when anybody we ended was last seen gone, ``relieved_at`` when one of
    the emergency was; ``shunned`` are processes that could not be signalled, with the moment until which
    they are not chosen again."""

    run_id: str = "0"
    decided_at: float = 0.0
    counter: int = 0
    held_since: Mapping[str, float] = field(default_factory=dict)
    told_at: Mapping[str, float] = field(default_factory=dict)
    terminations: Mapping[ProcessId, Termination] = field(default_factory=dict)
    shunned: Mapping[ProcessId, float] = field(default_factory=dict)
    ended_at: float = 0.0
    relieved_at: float = 0.0
    kills: tuple[float, ...] = ()
    adjusted: Mapping[ProcessId, Adjusted] = field(default_factory=dict)
    frozen: Mapping[ProcessId, str] = field(default_factory=dict)
    contained: Mapping[str, Contained] = field(default_factory=dict)
    recoveries: Mapping[str, Recovery] = field(default_factory=dict)
    kernel_kills: tuple[KernelKill, ...] = ()
    emergency: str | None = None
    stopping: bool = False
    finished: bool = False

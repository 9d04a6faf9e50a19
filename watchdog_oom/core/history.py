"""What a tick must know of earlier ticks: frozen, replaced as a whole at each tick, printable in ``status``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from watchdog_oom.core.cleaning import Cleaning
from watchdog_oom.core.descent import Lineage
from watchdog_oom.core.hook_state import Hooks
from watchdog_oom.core.model import KernelKill, ProcessId
from watchdog_oom.core.outcome import EffectReport
from watchdog_oom.core.pause import Pause
from watchdog_oom.core.policy import RecoveryStep
from watchdog_oom.core.scores import Adjusted, Scores
from watchdog_oom.lean_dataclasses import dataclass, field

KERNEL_KILL_MEMORY_SECONDS = 3600.0
KERNEL_KILLS_KEPT = 256


class Stage(StrEnum):
    """How far the termination of a process has gone; it only moves forward (Law 4)."""

    TERM = "TERM sent"
    KILL = "KILL sent"
    UNKILLABLE = "unkillable"


@dataclass(frozen=True, slots=True)
class Termination:
    """One process being terminated: TERM once, KILL once, then it is reported as unkillable."""

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
class Thaw:
    """A CONT that was asked for; until it is known to have been sent, the process counts as frozen."""

    intent_id: str
    asked_at: float


@dataclass(frozen=True, slots=True)
class Contained:
    """A unit with memory bounds set by the daemon: the bounds set, the bounds before (``max`` ``None``: MemoryMax is
    not changed), and the intents that asked for it. ``noun`` selects the processes the rule is about; ``at_runtime``:
    the bounds before had also been set for this boot only.

    ``done`` is when the service manager reported the bounds as set, or as refused (``refused``, the reason in words);
    a later state must confirm it, and ``seen`` says that such a state was checked. ``released`` is when the manager
    reported the former bounds as restored, ``failed`` when restoring failed.
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


@dataclass(frozen=True, slots=True)
class Grown:
    """When a process that was let into a queue was last seen to grow, or let in, and what it held then."""

    since: float
    held_bytes: int


@dataclass(frozen=True, slots=True)
class Queue:
    """What is remembered of a limit whose processes wait for their turn.

    ``need_bytes`` is what one is known to need, as of ``seen_at``; ``settled`` whether one was ever seen to the end, or
    to grow no more. ``admitted_at`` is when one that had waited last went on; ``running`` are those let in, each with
    its growth; ``stopped`` those stopped in the last minute, and when.
    """

    need_bytes: float = 0.0
    seen_at: float = 0.0
    settled: bool = False
    admitted_at: float = float("-inf")
    running: Mapping[ProcessId, Grown] = field(default_factory=dict)
    stopped: Mapping[ProcessId, float] = field(default_factory=dict)


class Phase(StrEnum):
    """The phase of a recovery's transaction."""

    SURVEY = "learning the services' states"
    STEPS = "running"
    COMPENSATE = "starting again what it stopped"


@dataclass(frozen=True, slots=True)
class Probing:
    """A service that is asked again and again until it answers: one act with one intent, however many tries it takes.
    ``words`` are those of the last try that ended."""

    service: str
    intent_id: str
    since: float
    tries: int = 0
    words: str = ""


@dataclass(frozen=True, slots=True)
class RecoveryRun:
    """One running transaction. Names are services unless stated otherwise; times are boottime seconds.

    ``asked`` maps what the current step asked for (``"stop amavis.service"``) to the intent's id, ``told`` maps an
    intent's id to its report. ``stopped`` are the services this run must start again, in the order in which they went
    down, ``triggers`` the trigger units it must start again. ``down_before`` (services or triggers) were not active
    when the incident began; those in ``revive`` may be started nevertheless. ``steps`` are the steps at the start of
    the run; ``entered`` is when the current step began, ``since`` when it came to its current service.
    ``cleared`` is how many entries its purges took out of their spools, ``None`` if that is not known.
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
    told: Mapping[str, EffectReport] = field(default_factory=dict)
    done: frozenset[str] = frozenset()
    stopped: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    down_before: frozenset[str] = frozenset()
    revive: frozenset[str] = frozenset()
    failure: str | None = None
    active_since: float | None = None
    active_pid: int = 0
    probing: Probing | None = None
    cleared: int | None = None

    @property
    def waiting_since(self) -> float:
        """The time from which the current deadline counts."""
        return max(self.since, self.entered)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is remembered about one [recover.NAME] between its runs.

    ``unhelped`` counts the runs in a row after which the trouble has not gone away; ``owed`` are services that a run
    stopped and could not start again, ``owed_triggers`` the triggers of them. ``units`` are, of each service that is
    owed now, the unit and its triggers as they were stopped: a debt outlives its noun in the policy.
    ``fingerprint`` is that of the rule: attempts, hold and cooldown are those of one text.
    """

    run: RecoveryRun | None = None
    started: tuple[float, ...] = ()
    ended: float | None = None
    last_result: str = ""
    unhelped: int = 0
    held_since: float | None = None
    owed: tuple[str, ...] = ()
    owed_triggers: tuple[str, ...] = ()
    units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kills_heard_until: float = 0.0
    fingerprint: str = ""

    @property
    def stopped(self) -> tuple[str, ...]:
        """The services it owes a start, in the middle of a run or after it."""
        return self.owed if self.run is None else self.run.stopped

    @property
    def stopped_triggers(self) -> tuple[str, ...]:
        """The triggers it owes a start, likewise."""
        return self.owed_triggers if self.run is None else self.run.triggers


@dataclass(frozen=True, slots=True)
class History:
    """Everything remembered. ``run_id`` distinguishes runs of the daemon in the journal's ids; ``decided_at`` is the
    time of the previous tick; ``ended_at`` is when a process that was ended was last seen gone, ``relieved_at`` when
    one that the emergency ended was; ``shunned`` maps processes that could not be signalled to the time until which
    they are not chosen again. ``refused`` counts the refusals not reported yet, by kind; ``urgent_kills``
    are the emergency's; ``asked`` are rules (``"clean.sessions"``) to be run now, with the reason in words."""

    run_id: str = "0"
    decided_at: float = 0.0
    counter: int = 0
    held_since: Mapping[str, float] = field(default_factory=dict)
    told_at: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    terminations: Mapping[ProcessId, Termination] = field(default_factory=dict)
    shunned: Mapping[ProcessId, float] = field(default_factory=dict)
    ended_at: float = 0.0
    relieved_at: float = 0.0
    kills: tuple[float, ...] = ()
    urgent_kills: tuple[float, ...] = ()
    adjusted: Mapping[ProcessId, Adjusted] = field(default_factory=dict)
    scores: Scores = field(default_factory=Scores)
    frozen: Mapping[ProcessId, str] = field(default_factory=dict)
    thawing: Mapping[ProcessId, Thaw] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    contained: Mapping[str, Contained] = field(default_factory=dict)
    recoveries: Mapping[str, Recovery] = field(default_factory=dict)
    cleans: Mapping[str, Cleaning] = field(default_factory=dict)
    kernel_kills: tuple[KernelKill, ...] = ()
    descent: Lineage = field(default_factory=Lineage)
    emergency: str | None = None
    pauses: Mapping[str, Pause] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    hooks: Hooks = field(default_factory=Hooks)
    stopping: bool = False
    finished: bool = False


def recent_kills(history: History, news: tuple[KernelKill, ...], now: float) -> tuple[KernelKill, ...]:
    """Those of the last hour, but only a bounded number of the newest, since others decide how many there are. Kills in
    control groups, which any user can cause in a group of their own, never displace one of the host."""
    told = (*history.kernel_kills, *news)
    recent = {(kill.pid, kill.boottime, kill.line): kill for kill in told}
    kept = [kill for kill in recent.values() if now - kill.boottime < KERNEL_KILL_MEMORY_SECONDS]
    if len(kept) <= KERNEL_KILLS_KEPT:
        return tuple(kept)
    of_the_host = [kill for kill in kept if not kill.cgroup][-KERNEL_KILLS_KEPT:]
    in_groups = [kill for kill in kept if kill.cgroup][-max(1, KERNEL_KILLS_KEPT - len(of_the_host)):]
    return tuple(sorted((*of_the_host, *in_groups), key=lambda kill: kill.boottime))

"""The closed union of effects, as printable values. Adding one must touch guard and host: mypy shows where."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from watchdog_oom import formatting
from watchdog_oom.core.hook_action import RunHook
from watchdog_oom.core.model import UNLIMITED_BYTES, ProcessId
from watchdog_oom.formatting import printable, process_label
from watchdog_oom.lean_dataclasses import dataclass, field
from watchdog_oom.lean_typing import TypeAlias


class SignalName(StrEnum):
    """The four signals the daemon ever sends."""

    TERM = "TERM"
    KILL = "KILL"
    STOP = "STOP"
    CONT = "CONT"


@dataclass(frozen=True, slots=True)
class Signal:
    """Signal one process. ``noun`` is matched again just before the signal is sent; ``None`` in an emergency, where
    only identity and protection are checked again. ``explicit`` says that the noun gives the target's own name or
    executable: only then may a policy signal an operator's session."""

    target: ProcessId
    comm: str
    signal: SignalName
    noun: str | None = None
    explicit: bool = False

    def __str__(self) -> str:
        return f"{self.signal} {process_label(self.comm, self.target.pid)}"


@dataclass(frozen=True, slots=True)
class SetOomScoreAdj:
    """Write /proc/PID/oom_score_adj (−1000…1000, proc(5)). ``noun`` as in Signal, ``None`` when restoring."""

    target: ProcessId
    comm: str
    value: int
    noun: str | None = None

    def __str__(self) -> str:
        return f"oom_score_adj {process_label(self.comm, self.target.pid)} = {self.value}"


@dataclass(frozen=True, slots=True)
class StopUnit:
    """Stop a service or one of its triggers. ``within_seconds`` is the deadline that the policy sets, if any."""

    unit: str
    service: str
    within_seconds: float | None = None

    def __str__(self) -> str:
        return f"stop {self.unit}"


@dataclass(frozen=True, slots=True)
class StartUnit:
    """Start a service or one of its triggers. ``within_seconds`` as in StopUnit."""

    unit: str
    service: str
    within_seconds: float | None = None

    def __str__(self) -> str:
        return f"start {self.unit}"


@dataclass(frozen=True, slots=True)
class Purge:
    """Clear the stale, unused entries of a spool; ``limit`` is the most entries this run may take. With 0 it only
    deletes, or puts back, what one that was cut short had renamed away. A purge that has not cleared the spool after
    ``within_seconds`` is ended. ``gently``: nothing waits for it, so it takes its time, and is over when all is
    deleted."""

    spool: str
    limit: int
    within_seconds: float = 300.0
    gently: bool = False

    def __str__(self) -> str:
        return f"purge {self.spool}"


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Run a fixed argument vector, without a shell, killed after ``within_seconds``."""

    argv: tuple[str, ...]
    within_seconds: float

    def __str__(self) -> str:
        return "run " + " ".join(printable(word) for word in self.argv)


@dataclass(frozen=True, slots=True)
class Probe:
    """Run the service's probe once."""

    service: str

    def __str__(self) -> str:
        return f"probe {self.service}"


@dataclass(frozen=True, slots=True)
class Contain:
    """Set memory bounds on a unit until it is released: MemoryHigh, and MemoryMax unless ``None``
    (systemd.resource-control(5)). ``noun`` selects the processes the rule is about."""

    unit: str
    memory_high_bytes: int
    memory_max_bytes: int | None = None
    noun: str | None = None

    def __str__(self) -> str:
        return f"contain {self.unit}: {_bounds(self.memory_high_bytes, self.memory_max_bytes)}"


@dataclass(frozen=True, slots=True)
class Release:
    """Restore the bounds a contained unit had before; ``None`` if MemoryMax was never changed. ``forget``: the former
    bounds were not set at runtime, so the runtime drop-ins can be removed."""

    unit: str
    memory_high_bytes: int
    memory_max_bytes: int | None = None
    forget: bool = False

    def __str__(self) -> str:
        return f"release {self.unit}: {_bounds(self.memory_high_bytes, self.memory_max_bytes)}"


def _bounds(high_bytes: int, max_bytes: int | None) -> str:
    def text(amount_bytes: int) -> str:
        return "infinity" if amount_bytes == UNLIMITED_BYTES else formatting.size(amount_bytes)
    return f"MemoryHigh={text(high_bytes)}" + ("" if max_bytes is None else f", MemoryMax={text(max_bytes)}")


Action: TypeAlias = (Signal | SetOomScoreAdj | StopUnit | StartUnit | Purge | RunCommand | Probe | Contain | Release
                     | RunHook)


@dataclass(frozen=True, slots=True)
class Intent:
    """An action with its rule and evidence. ``urgent`` intents are performed before they are journaled. ``part_of`` is
    the id of the intent that began the act of which this is one more try: such a try is not journaled. ``again``: the
    words with which the same act failed before; it is journaled only if it comes out otherwise now."""

    id: str
    action: Action
    rule: str
    because: tuple[str, ...]
    incident: str | None = None
    urgent: bool = False
    part_of: str = ""
    again: str = ""

    def __str__(self) -> str:
        return f"{self.action}  [{self.rule}] because {'; '.join(self.because)}"


@dataclass(frozen=True, slots=True)
class ContainRequest:
    """A request to set a unit's memory bounds: MemoryHigh, and MemoryMax unless ``None``."""

    rule: str
    noun: str
    because: tuple[str, ...]
    high_bytes: int
    max_bytes: int | None
    incident: str | None = None


class NoteKind(StrEnum):
    """The kinds of journal record that report something without performing an action."""

    INCIDENT = "incident"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class Note:
    """News for the journal: an incident opened, was held or closed; a kill was verified; something would be done.
    ``ok`` is how what it tells of came out, where that is known. ``intent_id`` is the intent of an act of many tries
    that this ends, ``tries`` how many they were."""

    kind: NoteKind
    rule: str
    result: str
    because: tuple[str, ...] = ()
    incident: str | None = None
    action: str | None = None
    target: ProcessId | None = None
    comm: str = ""
    took_seconds: float | None = None
    ok: bool | None = None
    intent_id: str = ""
    tries: int = 0

    def __str__(self) -> str:
        subject = f"{self.action}: " if self.action else ""
        reasons = f" because {'; '.join(self.because)}" if self.because else ""
        return f"{subject}{self.result}  [{self.rule}]{reasons}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An action that the guard refused, and why."""

    intent: Intent
    reason: str

    def __str__(self) -> str:
        return f"refused: {self.intent.action}: {self.reason}  [{self.intent.rule}]"


@dataclass(frozen=True, slots=True)
class Watch:
    """What the next snapshot must contain in addition: fresh states of these services, and for the processes with these
    pids what guard must know before it allows an action on them. ``below`` are pids that were seen below a noun,
    whoever their parent is now."""

    services: frozenset[str] = frozenset()
    often: bool = False
    processes: frozenset[int] = frozenset()
    below: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """What one tick decided: the intents to perform in order, the refusals, and the notes. ``halts`` are the spools
    whose gentle purge, where one is under way, has to end now, each with the reason."""

    intents: tuple[Intent, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[Note, ...] = ()
    watch: Watch = Watch()
    halts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        halts = (f"end the cleaning of {spool}: {why}" for spool, why in self.halts.items())
        return "\n".join(str(part) for part in (*self.intents, *self.refusals, *self.notes, *halts))



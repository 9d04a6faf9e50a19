"""What an administrator may ask of the running daemon, and the answer, as values that print themselves."""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.pause import ALL
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import TypeAlias

SHORTEST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class PauseRule:
    """``rule`` is a rule's name, whole or without its kind; ``None``: all rules but the emergency."""

    rule: str | None
    for_seconds: float
    why: str = ""

    def __str__(self) -> str:
        return f"pause {printable(self.rule or ALL)} for {formatting.duration(self.for_seconds)}"


@dataclass(frozen=True, slots=True)
class ResumeRule:
    """End a pause before its time; ``rule`` as in PauseRule."""

    rule: str | None
    why: str = ""

    def __str__(self) -> str:
        return f"resume {printable(self.rule or ALL)}"


@dataclass(frozen=True, slots=True)
class Rearm:
    """Lift the hold of one recovery, and forget its attempts and its cooldown."""

    rule: str
    why: str = ""

    def __str__(self) -> str:
        return f"rearm {printable(self.rule)}"


@dataclass(frozen=True, slots=True)
class RunNow:
    """Run a recovery as if a clause had held for its time."""

    rule: str
    why: str = ""

    def __str__(self) -> str:
        return f"run {printable(self.rule)}"


@dataclass(frozen=True, slots=True)
class Reload:
    """Read the policy files again."""

    why: str = ""

    def __str__(self) -> str:
        return "reload"


Steering: TypeAlias = PauseRule | ResumeRule | Rearm | RunNow | Reload


@dataclass(frozen=True, slots=True)
class Ruling:
    """``words`` for whoever asked, and the exit status of the command. ``rule`` is the whole name of the rule it is
    about; ``names`` are those that exist, where that was not one; ``follow``: the end is still to come."""

    words: str
    exit_status: int = 0
    rule: str | None = None
    names: tuple[str, ...] = ()
    follow: bool = False

"""What is remembered of hooks from one tick to the next: which run, which wait, which kills are held back for one."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.actions import Intent
from watchdog_oom.core.hook_action import HookEvent, HookSettings
from watchdog_oom.core.model import ProcessId
from watchdog_oom.lean_dataclasses import dataclass, field

HELD_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class RunningHook:
    """``since`` is in seconds of CLOCK_BOOTTIME; ``passed_over`` counts the events of the kind that were not told
    meanwhile."""

    intent_id: str
    since: float
    passed_over: int = 0


@dataclass(frozen=True, slots=True)
class HeldKill:
    """The first signal to a process, held back while the hook before a kill runs, but never for long."""

    intent: Intent
    target: ProcessId
    since: float


@dataclass(frozen=True, slots=True)
class HookCount:
    """How the hooks of one kind fared in the daemon's life. ``last_failure`` is the newest in words, nothing where
    there was none, and ``failed_at`` when that was, in seconds of CLOCK_BOOTTIME."""

    runs: int = 0
    failed: int = 0
    passed_over: int = 0
    last_failure: str = ""
    failed_at: float = 0.0
    last_ok: bool | None = None


@dataclass(frozen=True, slots=True)
class Hooks:
    """At most one hook of a kind runs at a time; ``waiting`` are a few that follow."""

    settings: HookSettings = field(default_factory=HookSettings)
    running: Mapping[HookEvent, RunningHook] = field(default_factory=dict)
    waiting: tuple[tuple[HookEvent, Intent], ...] = ()
    held: tuple[HeldKill, ...] = ()
    counts: Mapping[HookEvent, HookCount] = field(default_factory=dict)

    @property
    def held_ids(self) -> frozenset[str]:
        """The ids of the intents that are held back."""
        return frozenset(kill.intent.id for kill in self.held)

    def due_in(self, now: float) -> float:
        """Seconds until the next kill that is held back must go out; endless if there is none."""
        return min((max(0.0, kill.since + HELD_SECONDS - now) for kill in self.held), default=float("inf"))

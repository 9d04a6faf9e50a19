"""One tick being decided: the view, the history on its way to the next, and the plan as it grows.

Rules speak to the system only through here, so guard is asked for every action and nothing a rule plans passes it by.
"""

from __future__ import annotations

from watchdog_oom.core.actions import Action, Intent, Note, NoteKind, Plan, Refusal, Signal, SignalName, Watch
from watchdog_oom.core.guard import KILL_WINDOW_SECONDS, Budget, refusal
from watchdog_oom.core.history import Contained, History, Stage, Termination
from watchdog_oom.core.model import KernelKill, Process, ProcessId
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import dataclass, replace

REPEAT_SECONDS = 3600.0
KERNEL_KILL_MEMORY_SECONDS = 3600.0
KERNEL_KILLS_KEPT = 256
REFREEZE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ContainRequest:
    """That a unit's memory be bound: MemoryHigh, and MemoryMax unless ``None``."""

    rule: str
    noun: str
    because: tuple[str, ...]
    high_bytes: int
    max_bytes: int | None
    incident: str | None = None


class Tick:
    """Mutable for the length of one ``decide`` call only."""

    def __init__(self, view: View, history: History, budget: Budget) -> None:
        self.view = view
        self.before = history
        self.budget = budget
        self.now = view.now
        self.counter = history.counter
        self.terminations = dict(history.terminations)
        self.adjusted = dict(history.adjusted)
        self.frozen = dict(history.frozen)
        self.wanted_frozen: set[ProcessId] = set()
        self.contained: dict[str, Contained] = dict(history.contained)
        self.wanted_contained: dict[str, ContainRequest] = {}
        self.recoveries = dict(history.recoveries)
        self.kills = tuple(at for at in history.kills if self.now - at < KILL_WINDOW_SECONDS)
        self.shunned = {identity: until for identity, until in history.shunned.items() if until > self.now}
        self.ended_at = history.ended_at
        self.relieved_at = history.relieved_at
        self.emergency = history.emergency
        self.kernel_kills = _recent_kills(history, view, self.now)
        self.watched: set[str] = set()
        self.often = False
        self.finished = False
        self._held: dict[str, float] = {}
        self._told = {key: at for key, at in history.told_at.items() if self.now - at < REPEAT_SECONDS}
        self._intents: list[Intent] = []
        self._refusals: list[Refusal] = []
        self._notes: list[Note] = []

    def new_id(self, prefix: str = "i") -> str:
        """An id unique over all lives of the daemon: prefix, the life's id, a number."""
        self.counter += 1
        return f"{prefix}-{self.before.run_id}.{self.counter}"

    def sustained(self, key: str, holds: bool | None, for_seconds: float) -> bool:
        """Whether what ``key`` names holds now and has for that long; to be asked once a tick.

        ``None``: a reading is missing. That neither fires nor resets, and the time of it does not count (Law 10).
        """
        if holds is None:
            since = self.before.held_since.get(key)
            if since is not None:
                self._held[key] = since + self.now - self.before.decided_at
            return False
        if not holds:
            return False
        since = self._held.setdefault(key, self.before.held_since.get(key, self.now))
        return self.now - since >= for_seconds

    def rate_limit(self, key: str, again_seconds: float = REPEAT_SECONDS) -> bool:
        """Whether to say this now: when it is new, and again after a while for as long as it is asked."""
        last = self._told.get(key)
        if last is not None and self.now - last < again_seconds:
            return False
        self._told[key] = self.now
        return True

    def forget(self, key: str) -> bool:
        """What ``rate_limit`` was asked about is over: the next time is news again. Whether it had been told."""
        return self._told.pop(key, None) is not None

    def plan(self, action: Action, rule: str, because: tuple[str, ...], *, incident: str | None = None,
             urgent: bool = False) -> Intent | None:
        """Put the action into the plan, unless guard refuses it; a refusal is told once and then hourly."""
        intent = Intent(self.new_id(), action, rule, because, incident, urgent)
        begun = isinstance(action, Signal) and action.target in self.terminations
        reason = refusal(action, self.view, self.budget, len(self.kills), begun=begun)
        if reason is None:
            self._intents.append(intent)
            return intent
        if self.rate_limit(f"refused {rule} {action} {reason}"):
            self._refusals.append(Refusal(intent, reason))
        return None

    def note(self, rule: str, result: str, *, kind: NoteKind = NoteKind.INCIDENT, because: tuple[str, ...] = (),
             incident: str | None = None, action: str | None = None, target: ProcessId | None = None, comm: str = "",
             took_seconds: float | None = None) -> None:
        self._notes.append(Note(kind, rule, result, because, incident, action, target, comm, took_seconds))

    def end(self, process: Process, rule: str, because: tuple[str, ...], grace_seconds: float, *,
            noun: str | None = None, explicit: bool = False, incident: str | None = None, urgent: bool = False,
            at_once: bool = False) -> bool:
        """Begin to end a process, or hurry an ending along: TERM, after the grace KILL. Says whether it is under way.

        TERM goes to one identity once and KILL once (Law 4), whichever rules ask for it.
        """
        if process.id in self.shunned:
            return False
        termination = self.terminations.get(process.id)
        if termination is not None:
            if at_once and termination.stage is Stage.TERM:
                self._signal(process.id, replace(termination, because=because, urgent=urgent), Stage.KILL)
            elif urgent and termination.stage is Stage.TERM:
                shorter = min(grace_seconds, termination.grace_seconds)
                self.terminations[process.id] = replace(termination, grace_seconds=shorter, urgent=True)
            return True
        stage = Stage.KILL if at_once or grace_seconds <= 0 else Stage.TERM
        termination = Termination(
            rule, process.comm, stage, self.now, self.now, grace_seconds, because, noun, explicit, incident, urgent
        )
        if not self._signal(process.id, termination, stage):
            return False
        self.kills = (*self.kills, self.now)
        self.wanted_frozen.discard(process.id)
        return True

    def _signal(self, identity: ProcessId, termination: Termination, stage: Stage) -> bool:
        name = SignalName.KILL if stage is Stage.KILL else SignalName.TERM
        action = Signal(identity, termination.comm, name, termination.noun, termination.explicit)
        intent = self.plan(
            action, termination.rule, termination.because, incident=termination.incident, urgent=termination.urgent
        )
        if intent is None:
            return False
        self.terminations[identity] = replace(termination, stage=stage, stage_since=self.now, intent_id=intent.id)
        return True

    def escalate(self, identity: ProcessId) -> bool:
        """The grace is over: KILL. Says whether guard lets it through."""
        return self._signal(identity, self.terminations[identity], Stage.KILL)

    def freeze(self, process: Process, rule: str, because: tuple[str, ...], *, noun: str, explicit: bool,
               incident: str | None = None) -> bool:
        """Stop a process for as long as this is asked every tick; it is continued when it no longer is.

        One that is being ended is not stopped: it could not follow the TERM.
        """
        if process.id in self.terminations:
            return False
        again = process.state != "T" and self.rate_limit(f"freeze {process.id}", REFREEZE_SECONDS)
        if process.id not in self.frozen or again:
            action = Signal(process.id, process.comm, SignalName.STOP, noun, explicit)
            if self.plan(action, rule, because, incident=incident) is None:
                return False
            self.frozen[process.id] = rule
        self.wanted_frozen.add(process.id)
        return True

    def contain(self, unit: str, request: ContainRequest) -> None:
        """Bound a unit's memory for as long as this is asked every tick; of two wishes the tighter bounds hold."""
        other = self.wanted_contained.get(unit)
        if other is not None:
            maxima = [amount for amount in (other.max_bytes, request.max_bytes) if amount is not None]
            request = replace(other, high_bytes=min(other.high_bytes, request.high_bytes),
                           max_bytes=min(maxima, default=None))
        self.wanted_contained[unit] = request

    def watch(self, *services: str, often: bool = False) -> None:
        """Ask that the next snapshots hold the states of these services."""
        self.watched.update(services)
        self.often = self.often or (often and bool(services))

    def result(self) -> tuple[Plan, History]:
        plan = Plan(tuple(self._intents), tuple(self._refusals), tuple(self._notes),
                    Watch(frozenset(self.watched), self.often))
        history = replace(
            self.before, counter=self.counter, decided_at=self.now, held_since=self._held, told_at=self._told,
            terminations=self.terminations, shunned=self.shunned, ended_at=self.ended_at, relieved_at=self.relieved_at,
            kills=self.kills,
            adjusted=self.adjusted, frozen=self.frozen, contained=self.contained, recoveries=self.recoveries,
            kernel_kills=self.kernel_kills, emergency=self.emergency, finished=self.finished)
        return plan, history


def _recent_kills(history: History, view: View, now: float) -> tuple[KernelKill, ...]:
    """Those of the last hour, the newest first to be kept: how many there are is up to others. Of those that any user
    can bring about, in a control group of his own, none displaces one of the host."""
    recent = dict.fromkeys((*history.kernel_kills, *view.snapshot.kernel_kills))
    kept = [kill for kill in recent if now - kill.boottime < KERNEL_KILL_MEMORY_SECONDS]
    if len(kept) <= KERNEL_KILLS_KEPT:
        return tuple(kept)
    of_the_host = [kill for kill in kept if not kill.cgroup][-KERNEL_KILLS_KEPT:]
    in_groups = [kill for kill in kept if kill.cgroup][-max(1, KERNEL_KILLS_KEPT - len(of_the_host)):]
    return tuple(sorted((*of_the_host, *in_groups), key=lambda kill: kill.boottime))

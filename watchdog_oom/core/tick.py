"""One tick while it is decided: the view, the next history and the plan as they are built.

Rules plan actions only through this class, so every action is checked by the guard.
"""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.actions import (
    Action,
    Contain,
    ContainRequest,
    Intent,
    Note,
    NoteKind,
    Plan,
    Refusal,
    SetOomScoreAdj,
    Signal,
    SignalName,
    Watch,
)
from watchdog_oom.core.bounded import latest, newest
from watchdog_oom.core.descent import remember
from watchdog_oom.core.guard import KILL_WINDOW_SECONDS, Budget, refusal
from watchdog_oom.core.history import Contained, History, Queue, Stage, Termination, Thaw, recent_kills
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.pause import in_force
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import replace

REPEAT_SECONDS = 3600.0
REFREEZE_SECONDS = 10.0
PRESSED_SECONDS = 3.0


class Tick:
    """Mutable, but only during one ``decide`` call."""

    def __init__(self, view: View, history: History, budget: Budget) -> None:
        self.view = view
        self.before = history
        self.budget = budget
        self.now = view.now
        self.counter = history.counter
        self.terminations = dict(history.terminations)
        self.adjusted = dict(history.adjusted)
        self.scores = history.scores
        self.frozen = dict(history.frozen)
        self.thawing: dict[ProcessId, Thaw] = dict(history.thawing)
        self.wanted_frozen: set[ProcessId] = set()
        self.thaw_reasons: dict[ProcessId, str] = {}
        self.queues: dict[str, Queue] = {name: queue for name, queue in history.queues.items()
                                         if name in view.policy.limits}
        self.contained: dict[str, Contained] = dict(history.contained)
        self.wanted_contained: dict[str, ContainRequest] = {}
        self.recoveries = dict(history.recoveries)
        self.cleans = dict(history.cleans)
        self.asked = dict(history.asked)
        self.halts: dict[str, str] = {}
        self.kills = tuple(at for at in history.kills if self.now - at < KILL_WINDOW_SECONDS)
        self.urgent_kills = tuple(at for at in history.urgent_kills if self.now - at < KILL_WINDOW_SECONDS)
        self.shunned = {identity: until for identity, until in history.shunned.items() if until > self.now}
        self.ended_at = history.ended_at
        self.relieved_at = history.relieved_at
        self.emergency = history.emergency
        self.pauses = in_force(history.pauses, self.now)
        self.kernel_kills = recent_kills(history, view.snapshot.kernel_kills, self.now)
        self.watched: set[str] = set()
        self.watched_pids: set[int] = set()
        self.often = False
        self.finished = False
        self._held: dict[str, float] = {}
        self._told = {key: at for key, at in history.told_at.items() if self.now - at < REPEAT_SECONDS}
        self._refused = dict(history.refused)
        self._intents: list[Intent] = []
        self._refusals: list[Refusal] = []
        self._notes: list[Note] = []

    def new_id(self, prefix: str = "i") -> str:
        """An id that is unique over all runs of the daemon: prefix, id of the run, number."""
        self.counter += 1
        return f"{prefix}-{self.before.run_id}.{self.counter}"

    def sustained(self, key: str, holds: bool | None, for_seconds: float) -> bool:
        """Whether ``key`` holds now and has held for ``for_seconds``; call once per tick.

        ``None``: a reading is missing. This neither triggers nor resets, and the time does not count (Law 10).
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

    def rate_limit(self, key: str, again_seconds: float = REPEAT_SECONDS, *, most: int = 0, kind: str = "") -> bool:
        """Whether to report this now: the first time, then once per ``again_seconds``; of keys that begin with ``kind``
        at most ``most`` an hour."""
        last = self._told.get(key)
        if last is None and most and sum(told.startswith(kind) for told in self._told) >= most:
            return False
        if last is not None and self.now - last < again_seconds:
            return False
        self._told[key] = self.now
        return True

    def forget(self, key: str) -> bool:
        """What ``rate_limit`` was about is over: the next time is reported at once. Returns whether it had been
        reported."""
        return self._told.pop(key, None) is not None

    def plan(self, action: Action, rule: str, because: tuple[str, ...], *, incident: str | None = None,
             urgent: bool = False, part_of: str = "", again: str = "") -> Intent | None:
        """Add the action to the plan unless the guard refuses it; a refusal is told once a rule and reason."""
        intent = Intent(self.new_id(), action, rule, because, incident, urgent, part_of, again)
        begun = isinstance(action, Signal) and action.target in self.terminations
        reason = refusal(action, self.view, self.budget, len(self.urgent_kills if urgent else self.kills), begun=begun)
        if reason is None:
            self._intents.append(intent)
            return intent
        self._refuse(intent, reason)
        return None

    def _refuse(self, intent: Intent, reason: str) -> None:
        """Once per rule and reason, then hourly with a count: others decide who is refused, and how often."""
        action = intent.action
        what = type(action).__name__ if isinstance(action, Signal | SetOomScoreAdj) else str(action)
        key = f"refused {intent.rule} {what}" + ("" if isinstance(action, Contain) else f" {reason}")
        if not self.rate_limit(key):
            self._refused[key] = self._refused.get(key, 0) + 1
            return
        more = self._refused.pop(key, 0)
        since = f" ({formatting.count(more, 'more refusal')} of the kind since the last one told)" if more else ""
        self._refusals.append(Refusal(intent, reason + since))

    def note(self, rule: str, result: str, *, kind: NoteKind = NoteKind.INCIDENT, because: tuple[str, ...] = (),
             incident: str | None = None, action: str | None = None, target: ProcessId | None = None, comm: str = "",
             took_seconds: float | None = None, ok: bool | None = None, intent_id: str = "", tries: int = 0) -> None:
        self._notes.append(Note(kind, rule, result, because, incident, action, target, comm, took_seconds, ok,
                                intent_id, tries))

    def end(self, process: Process, rule: str, because: tuple[str, ...], grace_seconds: float, *,
            noun: str | None = None, explicit: bool = False, incident: str | None = None, urgent: bool = False,
            at_once: bool = False) -> bool:
        """Start or speed up the termination of a process: TERM, then KILL after the grace. Returns whether a
        termination is under way.

        TERM and KILL are each sent once to an identity (Law 4), however many rules ask for it.
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
        if urgent:  # a budget of its own: whatever ordinary limits used up, the last resort can act (Law 3)
            self.urgent_kills = (*self.urgent_kills, self.now)
        else:
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
        """The grace is over: send KILL. Returns whether the guard allows it."""
        return self._signal(identity, self.terminations[identity], Stage.KILL)

    def freeze(self, process: Process, rule: str, because: tuple[str, ...], *, noun: str, explicit: bool,
               incident: str | None = None, again_seconds: float = REFREEZE_SECONDS) -> bool:
        """Stop a process (SIGSTOP) for as long as a rule calls this at every tick; after that it is continued. If
        somebody else continued it, it is stopped again, once per ``again_seconds``.

        A process being terminated is not stopped: it could not handle the TERM. One that became protected goes on.
        """
        if process.id in self.terminations or (process.id in self.frozen and process.id in self.view.protected):
            return False
        again = process.state != "T" and self.rate_limit(f"freeze {process.id}", again_seconds)
        if process.id not in self.frozen or process.id in self.thawing or again:
            action = Signal(process.id, process.comm, SignalName.STOP, noun, explicit)
            if self.plan(action, rule, because, incident=incident) is None:
                return False
            self.frozen[process.id] = rule
            self.thawing.pop(process.id, None)
        self.wanted_frozen.add(process.id)
        return True

    def contain(self, unit: str, request: ContainRequest) -> None:
        """Set a unit's memory bounds for as long as a rule calls this at every tick; of two requests the tighter
        bounds apply."""
        other = self.wanted_contained.get(unit)
        if other is not None:
            maxima = [amount for amount in (other.max_bytes, request.max_bytes) if amount is not None]
            request = replace(other, high_bytes=min(other.high_bytes, request.high_bytes),
                           max_bytes=min(maxima, default=None))
        self.wanted_contained[unit] = request

    @property
    def pressed(self) -> bool:
        """The middle of an emergency: nothing is saved then, since that could wait for a disk (Law 8). Nothing is begun
        that would have to be saved first to be undone after a crash: stops, bounds, purges."""
        urgent = (termination.stage_since for termination in self.terminations.values() if termination.urgent)
        latest = max(urgent, default=self.ended_at)
        return self.emergency is not None and self.now - max(latest, self.ended_at) < PRESSED_SECONDS

    def watch(self, *services: str, often: bool = False) -> None:
        """Request the states of these services in the next snapshots."""
        self.watched.update(services)
        self.often = self.often or (often and bool(services))

    def watch_process(self, pid: int) -> None:
        """Have the next snapshot contain what guard must know of this process, though no noun of the policy matches
        it."""
        self.watched_pids.add(pid)

    def result(self) -> tuple[Plan, History]:
        under_way = {identity.pid for identity in self.terminations}
        descent = remember(self.view)
        below = frozenset(identity.pid for identity in descent.below)
        plan = Plan(tuple(self._intents), tuple(self._refusals), tuple(self._notes),
                    Watch(frozenset(self.watched), self.often, frozenset(self.watched_pids | under_way), below),
                    self.halts)
        history = replace(
            self.before, counter=self.counter, decided_at=self.now, held_since=self._held, told_at=newest(self._told),
            refused=latest(self._refused), terminations=self.terminations, shunned=self.shunned, ended_at=self.ended_at,
            relieved_at=self.relieved_at, kills=self.kills, urgent_kills=self.urgent_kills, adjusted=self.adjusted,
            scores=self.scores, frozen=self.frozen, thawing=self.thawing, queues=self.queues, contained=self.contained,
            recoveries=self.recoveries, cleans=self.cleans, asked=self.asked, kernel_kills=self.kernel_kills,
            descent=descent, emergency=self.emergency, finished=self.finished, pauses=self.pauses)
        return plan, history

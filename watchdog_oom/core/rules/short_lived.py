"""Short-lived processes are no news: nothing is written for one that may be gone in a moment, unless memory is short.

A mail server runs a hundred processes a minute that match a noun, or that inherit oom_score_adj from one that does.
"""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.scores import LetGo
from watchdog_oom.core.shortage import near
from watchdog_oom.core.tick import REPEAT_SECONDS, Tick
from watchdog_oom.lean_dataclasses import replace

LIVED_SECONDS = 3.0


class Patience:
    """Who has to wait at this tick. ``over``: nobody has to, since the daemon stops."""

    def __init__(self, tick: Tick, *, over: bool = False) -> None:
        self._tick = tick
        self._waiting: dict[ProcessId, str] = {}
        snapshot, emergency = tick.view.snapshot, tick.view.policy.emergency
        short = snapshot.memory is not None and near(snapshot.memory, emergency, snapshot.pressure)
        self._over = over or short

    def waits(self, process: Process, rule: str) -> bool:
        """Whether it is too early to write anything for this process."""
        if self._over or process.age_seconds(self._tick.view.snapshot.clock) >= LIVED_SECONDS:
            return False
        self._waiting[process.id] = rule
        return True

    def tell(self) -> None:
        """Count those who waited and are gone, or are somebody else since; once an hour they are told of."""
        tick, scores = self._tick, self._tick.scores
        let_go = dict(scores.let_go)
        for identity, rule in scores.waiting.items():
            if identity not in self._waiting and self._left(identity):
                counted = let_go.get(rule, LetGo(0, tick.now))
                let_go[rule] = replace(counted, count=counted.count + 1)
        for rule, counted in scores.let_go.items():
            if tick.before.stopping or tick.now - counted.since >= REPEAT_SECONDS:
                del let_go[rule]
                what = "process was let go in" if counted.count == 1 else "processes were let go in"
                tick.note(rule, f"{counted.count} short-lived {what} {formatting.duration(tick.now - counted.since)}: "
                                "nothing is written for those that do not live for "
                                f"{formatting.duration(LIVED_SECONDS)}")
        tick.scores = replace(scores, waiting=self._waiting, let_go=let_go)

    def _left(self, identity: ProcessId) -> bool:
        process = self._tick.view.snapshot.alive(identity)
        return process is None or process.age_seconds(self._tick.view.snapshot.clock) < LIVED_SECONDS

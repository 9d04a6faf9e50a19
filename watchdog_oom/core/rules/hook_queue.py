"""The hooks of one tick: of each kind at most one runs at a time, a few wait, what is beyond that is counted. Pure."""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.actions import Intent, Note, NoteKind
from watchdog_oom.core.guard import refusal
from watchdog_oom.core.history import History
from watchdog_oom.core.hook_action import HookEvent, RunHook, Victim
from watchdog_oom.core.hook_state import HookCount, Hooks, RunningHook
from watchdog_oom.core.outcome import EffectReport
from watchdog_oom.core.tick import Tick
from watchdog_oom.lean_dataclasses import replace

MOST_WAITING = 8
UNHEARD_SECONDS = 30.0
LAST_WORDS_CHARS = 200


class HookQueue:
    """Mutable, but only during one ``decide`` call; ``hooks`` is what is remembered afterwards. ``intents`` are the
    hooks to be run now."""

    def __init__(self, tick: Tick, after: History) -> None:
        self.now = tick.now
        self.counter = after.counter
        self.intents: list[Intent] = []
        self.notes: list[Note] = []
        self._tick = tick
        self._settings = after.hooks.settings
        self._before = after.hooks
        self._running = dict(after.hooks.running)
        self._waiting = list(after.hooks.waiting)
        self._counts = dict(after.hooks.counts)

    @property
    def hooks(self) -> Hooks:
        return replace(self._before, running=self._running, waiting=tuple(self._waiting), counts=self._counts)

    def hear(self) -> None:
        """Take up how hooks came out since the last tick. One of which nothing is ever heard does not bar the next."""
        reports = {report.intent_id: report for report in self._tick.view.snapshot.reports}
        patience = self._settings.timeout_seconds + UNHEARD_SECONDS
        for event, hook in tuple(self._running.items()):
            report = reports.get(hook.intent_id)
            if report is None and self.now - hook.since < patience:
                continue
            del self._running[event]
            self._count(event, report)
            if hook.passed_over > 1:
                more = formatting.count(hook.passed_over - 1, "more event")
                self._note(event, f"{more} passed without it while it ran")

    def ask(self, event: HookEvent, rule: str, because: tuple[str, ...], *, incident: str | None = None,
            urgent: bool = False, victims: tuple[Victim, ...] = (), result: str = "", ok: bool | None = None) -> bool:
        """Have a hook run for the event, now or after those that wait; whether it is run now."""
        argv = self._settings.programs.get(event)
        if argv is None:
            return False
        self.counter += 1
        action = RunHook(event, argv, self._settings.timeout_seconds, victims, result, ok)
        intent = Intent(f"i-{self._tick.before.run_id}.{self.counter}", action, rule, because, incident, urgent)
        if event not in self._running:
            return self._begin(event, intent)
        waiting = sum(kind is event for kind, _ in self._waiting)
        if event is HookEvent.BEFORE_KILL or waiting >= MOST_WAITING:  # after a kill is too late for one before it
            self._pass_over(event, intent)
        else:
            self._waiting.append((event, intent))
        return False

    def begin_waiting(self) -> None:
        """The next of each kind, where none runs."""
        for event, intent in tuple(self._waiting):
            if event not in self._running:
                self._waiting.remove((event, intent))
                self._begin(event, intent)

    def _begin(self, event: HookEvent, intent: Intent) -> bool:
        if refusal(intent.action, self._tick.view, self._tick.budget, 0) is not None:
            return False
        self.intents.append(intent)
        self._running[event] = RunningHook(intent.id, self.now)
        return True

    def _pass_over(self, event: HookEvent, intent: Intent) -> None:
        """The first of them is told at once, the others are counted: others decide how often something happens."""
        hook, count = self._running[event], self._counts.get(event, HookCount())
        self._running[event] = replace(hook, passed_over=hook.passed_over + 1)
        self._counts[event] = replace(count, passed_over=count.passed_over + 1)
        if not hook.passed_over:
            self._note(event, "not run: the one before still runs", intent)

    def _count(self, event: HookEvent, report: EffectReport | None) -> None:
        count = self._counts.get(event, HookCount())
        count = replace(count, runs=count.runs + 1, last_ok=None if report is None else report.outcome.ok)
        if report is None or report.outcome.ok is False:
            words = "nothing was heard of it" if report is None else report.outcome.words[:LAST_WORDS_CHARS]
            count = replace(count, failed=count.failed + 1, last_failure=words, failed_at=self.now)
        self._counts[event] = count

    def _note(self, event: HookEvent, words: str, intent: Intent | None = None) -> None:
        rule, incident = ("daemon", None) if intent is None else (intent.rule, intent.incident)
        self.notes.append(Note(NoteKind.INCIDENT, rule, words, incident=incident, action=f"hook {event}", ok=False))

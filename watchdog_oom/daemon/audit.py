"""What the daemon does, as journal records: who the target was, what was intended, what came of it (Law 8)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from watchdog_oom.core.actions import (
    Action,
    Intent,
    Note,
    NoteKind,
    Probe,
    Purge,
    Refusal,
)
from watchdog_oom.core.model import Process, Snapshot
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.core.policy import Policy
from watchdog_oom.daemon.config import Config
from watchdog_oom.daemon.console import Console
from watchdog_oom.host.syscalls import fallocate
from watchdog_oom.journal.record import Kind, Record, sentence
from watchdog_oom.journal.system_log import SystemLog
from watchdog_oom.journal.targets import process_target, target_of
from watchdog_oom.journal.writer import Journal

_MOST_PURGES = 16  # whose deletion may still be recorded
_MOST_OPEN = 1024  # whose outcome may still be recorded; with more, the oldest are given up


def open_journal(directory: str, boot_id: str, config: Config) -> Journal:
    """The journal, which copies every record to the system's log, and to the console unless that log reads it."""
    system_log = SystemLog()
    console = None if "JOURNAL_STREAM" in os.environ else Console()

    def copy(record: Record, seq: int | None) -> None:
        system_log.send(record, seq)
        if console is not None:
            console.line(sentence(record))

    journal = Journal(directory, boot_id=boot_id, segment_bytes=config.journal_segment_bytes, keep=config.journal_keep,
                      allocate=fallocate, copy=copy)
    journal.open()
    return journal


class AuditTrail:
    """Writes through ``append``; urgent intents through ``queue``, which touches no disk until ``flush``.

    Intents whose outcome comes later are kept, so that the report can be told with the action and the rule behind it.
    """

    def __init__(self, append: Callable[[Record], None], queue: Callable[[Record], None],
                 all_facts: Callable[[Process], Process]) -> None:
        self._append = append
        self._queue = queue
        self._all_facts = all_facts
        self._open: dict[str, tuple[Intent, dict[str, object]]] = {}
        self._purges: dict[str, tuple[Intent, dict[str, object]]] = {}

    def intent(self, intent: Intent, snapshot: Snapshot, policy: Policy) -> None:
        """To be called before the act. An urgent one takes the facts at hand: reading more could stall. One more try of
        an act that was begun is not told. Nor is a routine cleaning before it is over: ``state.json`` has it."""
        if intent.part_of:
            return
        target = target_of(intent.action, snapshot, policy, (lambda p: p) if intent.urgent else self._all_facts)
        for oldest in tuple(self._open)[:-_MOST_OPEN]:
            self._end(EffectReport(oldest, Outcome(None, "nothing was heard of it"), None, 0.0))
        self._open[intent.id] = (intent, target)
        if not intent.again and not _is_routine(intent.action):
            self._begun(intent, target)

    def _begun(self, intent: Intent, target: dict[str, object]) -> None:
        write = self._queue if intent.urgent else self._append
        write(
            Record(Kind.INTENT, intent.incident, intent.rule, str(intent.action), target, intent.because, id=intent.id)
        )

    def report(self, report: EffectReport) -> None:
        """To be called once for each intent, at once or when the slow effect has ended. What one probe found is not
        told: the service may be asked again, and a note ends the act."""
        if not isinstance(self.action_of(report.intent_id), Probe):
            self._end(report)

    def _end(self, report: EffectReport) -> None:
        """Tell the outcome of an intent, unless it was told, or a routine cleaning found nothing to do."""
        kept = self._open.pop(report.intent_id, None)
        if kept is None:
            return
        intent, target = kept
        outcome = report.outcome
        if intent.again:  # what fails as before is no news
            if outcome.ok is False and outcome.words == intent.again:
                return
            self._begun(intent, target)
        if _is_routine(intent.action) and outcome.ok and report.cleared == 0:
            return
        if isinstance(intent.action, Purge):
            self._purges[report.intent_id] = kept
            for oldest in tuple(self._purges)[:-_MOST_PURGES]:
                del self._purges[oldest]
        write = self._queue if intent.urgent else self._append
        write(Record(Kind.OUTCOME, intent.incident, intent.rule, str(intent.action), target, intent.because,
                     outcome.before, outcome.after, outcome.ok, outcome.words, report.took_seconds, intent.id))

    def action_of(self, intent_id: str) -> Action | None:
        """The action of an intent whose outcome is still to come."""
        kept = self._open.get(intent_id)
        return None if kept is None else kept[0].action

    def purge_went_on(self, intent_id: str, outcome: Outcome) -> None:
        """What a purge did after its outcome was told: the deletion, with the rule and the incident it was for."""
        kept = self._purges.get(intent_id)
        if kept is not None:
            intent, target = kept
            self._append(Record(Kind.OUTCOME, intent.incident, intent.rule, str(intent.action), target, ok=outcome.ok,
                                result=outcome.words, id=intent.id))

    def slow_patterns(self, news: Iterable[tuple[str, str]]) -> None:
        """Patterns of the policy that took too long to search for: the noun, and the words."""
        for noun, words in news:
            self._append(Record(Kind.INCIDENT, rule=noun, result=words))

    def refusal(self, refusal: Refusal, snapshot: Snapshot, policy: Policy) -> None:
        intent = refusal.intent
        self._append(Record(Kind.REFUSED, intent.incident, intent.rule, str(intent.action),
                            target_of(intent.action, snapshot, policy, self._all_facts), intent.because,
                            result=f"refused: {refusal.reason}", id=intent.id))

    def note(self, note: Note, snapshot: Snapshot) -> None:
        kind = Kind.OUTCOME if note.kind is NoteKind.OUTCOME else Kind.INCIDENT
        target = None if note.target is None else process_target(note.target, note.comm, snapshot, lambda p: p)
        ended = self._open.pop(note.intent_id, None)
        self._append(Record(kind, note.incident, note.rule, note.action, target if ended is None else ended[1],
                            note.because, ok=note.ok, result=note.result, took_seconds=note.took_seconds,
                            id=note.intent_id or None, detail={"tries": note.tries} if note.tries else None))

    def abandon(self, why: str) -> None:
        """The daemon ends before these effects do."""
        for intent_id in tuple(self._open):
            self._end(EffectReport(intent_id, Outcome(None, why), None, 0.0))


def _is_routine(action: Action) -> bool:
    return isinstance(action, Purge) and action.gently

"""The evidence of an incident, which stands once: in the first record that gives it. The others name the incident."""

from __future__ import annotations

from watchdog_oom.journal.record import Kind, Record
from watchdog_oom.lean_dataclasses import replace

MOST_INCIDENTS = 64
MOST_INTENTS = 1024


class Evidence:
    """What was told of the incidents of late, and of their intents. Of more than are kept, and of what a lost record
    had told, it is told again."""

    def __init__(self) -> None:
        self._incidents: dict[str, tuple[str, ...]] = {}
        self._intents: dict[str, tuple[str, ...]] = {}

    def once(self, record: Record) -> Record:
        """The record without those reasons that its incident, or its own intent, was opened with."""
        if record.incident is None or not record.because:
            return record
        told = {*self._incidents.get(record.incident, ()), *self._intents.get(record.id or "", ())}
        return replace(record, because=tuple(reason for reason in record.because if reason not in told))

    def written(self, record: Record) -> None:
        """The record stands in the journal, as ``once`` returned it."""
        if record.incident is None:
            return
        if record.because and record.incident not in self._incidents:
            self._incidents[record.incident] = record.because
            _bound(self._incidents, MOST_INCIDENTS)
        elif record.kind is Kind.INTENT and record.because and record.id is not None:
            self._intents[record.id] = record.because
            _bound(self._intents, MOST_INTENTS)
        if record.kind is Kind.OUTCOME and record.id is not None:
            self._intents.pop(record.id, None)


def _bound(told: dict[str, tuple[str, ...]], most: int) -> None:
    while len(told) > most:
        del told[next(iter(told))]

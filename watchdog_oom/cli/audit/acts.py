"""Acts of the daemon, put together from the records of their intent and of their outcome."""

from __future__ import annotations

from collections import deque

from watchdog_oom.journal.reader import Entry
from watchdog_oom.journal.record import Kind
from watchdog_oom.lean_dataclasses import dataclass

_MOST_WAITING = 4096  # acts; an intent that has no outcome yet holds up those after it


@dataclass(slots=True)
class Act:
    """A record, and the record of its outcome if it is an intent that has one."""

    entry: Entry
    outcome: Entry | None = None

    @property
    def under_way(self) -> bool:
        return self.entry.record["kind"] == Kind.INTENT and self.outcome is None


class Joiner:
    """Takes records in their order and gives acts in the order in which they began."""

    def __init__(self) -> None:
        self._waiting: deque[Act] = deque()
        self._open: dict[str, Act] = {}

    def add(self, entry: Entry) -> list[Act]:
        """The acts that are complete now. An outcome whose intent was not seen, or was given already, is one itself."""
        name = entry.record.get("id")
        begun = self._open.pop(str(name), None) if entry.record["kind"] == Kind.OUTCOME else None
        if begun is not None:
            begun.outcome = entry
        else:
            self._waiting.append(Act(entry))
            if entry.record["kind"] == Kind.INTENT and name:
                self._open[str(name)] = self._waiting[-1]
        ready = []
        while self._waiting and (not self._waiting[0].under_way or len(self._waiting) > _MOST_WAITING):
            ready.append(self._pop())
        return ready

    def rest(self) -> list[Act]:
        """What is left, though its outcome may still come."""
        return [self._pop() for _ in range(len(self._waiting))]

    def _pop(self) -> Act:
        act = self._waiting.popleft()
        self._open.pop(str(act.entry.record.get("id")), None)
        return act

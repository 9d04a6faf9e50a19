"""What ``audit`` shows of the records that come along: filtered, joined, searched, and only the last so many."""

from __future__ import annotations

import sys
from collections import deque

from watchdog_oom.cli.audit.acts import Act, Joiner
from watchdog_oom.cli.audit.filter import AuditFilter, TextSearch
from watchdog_oom.cli.audit.views import AuditView
from watchdog_oom.journal.reader import Entry


class Listing:
    """``last`` bounds what is shown at the first ``flush``; later, everything is shown as it comes. ``found`` says
    whether anything was to be shown."""

    def __init__(self, view: AuditView, asked: AuditFilter, search: TextSearch | None, last: int | None) -> None:
        self.found = False
        self._view = view
        self._asked = asked
        self._search = search
        self._kept: deque[Act] | None = None if last is None else deque(maxlen=last)
        self._joiner = Joiner()

    def add(self, entry: Entry) -> None:
        if not self._asked.wants(entry.record):
            return
        for act in self._joiner.add(entry) if self._view.joins else [Act(entry)]:
            self._take(act)

    def flush(self) -> None:
        """Show what was held back: for an outcome, or to find out which are the last."""
        for act in self._joiner.rest():
            self._take(act)
        kept, self._kept = self._kept, None
        for act in kept or ():
            self._view.show(act)
        sys.stdout.flush()

    def _take(self, act: Act) -> None:
        if self._search is not None and not self._search.found_in(self._view.text(act)):
            return
        self.found = True
        if self._kept is None:
            self._view.show(act)
        else:
            self._kept.append(act)

"""What ``status`` gathers for one page: the daemon's file, how near the rules are, the last acts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from watchdog_oom.cli.output import Page
from watchdog_oom.cli.status.last_actions import last_actions
from watchdog_oom.cli.status.page import page_of
from watchdog_oom.cli.status.rules_near import RuleWatch
from watchdog_oom.cli.status.seen import Seen
from watchdog_oom.cli.status.values import Plain

_ROWS_OF_THE_REST = 36  # what the other sections take of a tall window
_MOST_LARGEST, _LEAST_LARGEST = 20, 8


class StatusLook:
    """Reads everything anew for each page, and keeps what the next page is compared with.

    ``read`` gives the daemon's status, ``log`` is the directory of its journal, ``None`` if that is not known;
    ``largest`` gives rows of processes by order and number, for those who watch.
    """

    def __init__(self, read: Callable[[], Plain], log: str | None,
                 largest: Callable[[str, int], Sequence[Sequence[str]]] | None = None) -> None:
        self._read, self._log, self._largest = read, log, largest
        self._rules = RuleWatch()

    def page(self, width: int | None, height: int = 0, order: str = "") -> Page:
        """The page for a window, or for a reader without one. Raises WatchdogError if the daemon has stopped."""
        status = self._read()
        most = max(_LEAST_LARGEST, min(_MOST_LARGEST, height - _ROWS_OF_THE_REST))
        largest = self._largest(order, most) if self._largest is not None else ()
        actions, no_actions = last_actions(self._log) if self._log is not None else ((), "")
        return page_of(status, time.time(), Seen(near=self._rules.look(status), largest=largest, sorted_by=order,
                                                 actions=actions, no_actions=no_actions, width=width))

    def close(self) -> None:
        self._rules.close()

"""Searches for a policy's regular expressions in texts that others choose, each bounded in time (Law 12).

A search that backtracks without end is ended by a timer of this process's own processor time, so that a busy host ends
none: the interpreter looks for signals while it matches. A pattern whose search was ended counts as not found. It then
rests for that user's processes, so that a user can cause one such search every ten seconds and not one per process.

Whoever reads command lines, here or in a child, asks ``found`` with the text and gets an answer for every pattern; the
core never searches. In a text of 128 KiB the interpreter may need half a second to notice the timer (4 KiB: 10 ms), so
texts of that length belong in a child with a deadline.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterable
from types import FrameType

SEARCH_SECONDS = 0.1  # ".*x" in 4 KiB without an x takes 0.03 s, and is nobody's attack
REST_SECONDS = 10.0
_MOST_RESTING = 1024


class _TooLongError(Exception):
    """The timer's signal came while a search was under way."""


class PatternSearch:
    """``ended`` is called with every pattern whose search took too long."""

    def __init__(self, ended: Callable[[re.Pattern[str]], None], rest_seconds: float = REST_SECONDS) -> None:
        self._ended = ended
        self._rest_seconds = rest_seconds
        self._searching = False
        self._resting: dict[tuple[re.Pattern[str], int | None], float] = {}

    def found(self, patterns: Iterable[re.Pattern[str]], text: str,
              uid: Callable[[], int | None]) -> dict[re.Pattern[str], bool]:
        """Whether each pattern is found in the text of a process of that user (asked for only when it matters). A
        pattern that rests for him is left out: ask again later."""
        answers = {}
        for pattern in patterns:
            if self._resting and self._rests(pattern, uid()):
                continue
            found = self._search(pattern, text)
            if found is None:
                self._rest(pattern, uid())
                self._ended(pattern)
            answers[pattern] = bool(found)
        return answers

    def _search(self, pattern: re.Pattern[str], text: str) -> bool | None:
        """``None`` when it took too long. The handler does nothing once ``_searching`` is over, wherever it comes."""
        former = signal.signal(signal.SIGVTALRM, self._on_timer)
        try:
            self._searching = True
            signal.setitimer(signal.ITIMER_VIRTUAL, SEARCH_SECONDS)
            found = pattern.search(text) is not None
            self._searching = False
        except _TooLongError:
            return None
        finally:
            self._searching = False
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
            signal.signal(signal.SIGVTALRM, former)
        return found

    def _on_timer(self, _number: int, _frame: FrameType | None) -> None:
        if self._searching:
            self._searching = False
            raise _TooLongError

    def _rests(self, pattern: re.Pattern[str], uid: int | None) -> bool:
        return self._resting.get((pattern, uid), 0.0) > time.monotonic()

    def _rest(self, pattern: re.Pattern[str], uid: int | None) -> None:
        if len(self._resting) >= _MOST_RESTING:
            self._resting.clear()
        self._resting[pattern, uid] = time.monotonic() + self._rest_seconds

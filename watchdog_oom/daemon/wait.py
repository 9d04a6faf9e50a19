"""How the loop waits between two ticks."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Iterable

GLANCE_SECONDS = 0.02
SHORTEST_SECONDS = 0.02  # a storm of wake-ups must not become a storm of ticks


class LoopWait:
    """Waits until a time, until something is readable, or until a glance at memory shows that a tick is due now."""

    def __init__(self, filenos: Iterable[int], glance: Callable[[], bool]) -> None:
        self._glance = glance
        self._selector = selectors.DefaultSelector()
        for fd in filenos:
            self._selector.register(fd, selectors.EVENT_READ)

    def until(self, due: float, *, glancing: bool) -> None:
        """Return at ``due`` (seconds of the monotonic clock) or earlier, but not at once; glances are made only if
        requested, fifty per second."""
        earliest = time.monotonic() + SHORTEST_SECONDS
        while (left := due - time.monotonic()) > 0:
            if self._selector.select(min(left, GLANCE_SECONDS) if glancing else left):
                break
            if glancing and self._glance():
                break
        time.sleep(max(0.0, earliest - time.monotonic()))  # mostly nothing: one wake-up a tick, where there were two

    def close(self) -> None:
        self._selector.close()

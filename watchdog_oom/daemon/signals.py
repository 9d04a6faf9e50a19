"""Signals to the daemon, as requests that the loop handles between two ticks."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType

from watchdog_oom.lean_dataclasses import dataclass

STOP_SECONDS = 90.0
LAST_SECONDS = 3.0
_STOP = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Asked:
    stop: bool = False
    reload: bool = False


class SignalInbox:
    """``fileno()`` becomes readable when a signal arrived. The handler itself only records it, and sets a bound to the
    stop that holds also where the loop does not come back to look: 3 s after the 90 s, or after the second signal, the
    kernel ends the daemon (SIGALRM, setitimer(2)). What is owed then stands in state.json, as after any crash."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._stops = 0
        self._reloads = 0
        self._stopping = False
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in _STOP:
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM, *_STOP))

    def fileno(self) -> int:
        return self._reading

    def take(self) -> Asked:
        """The requests since the last call. Two stop signals are two requests: the second means stop immediately."""
        with suppress(BlockingIOError):
            os.read(self._reading, 512)
        asked = Asked(self._stops > 0, self._reloads > 0)
        self._stops = max(0, self._stops - 1)
        self._reloads = 0
        return asked

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stops += 1
        signal.setitimer(signal.ITIMER_REAL, LAST_SECONDS if self._stopping else STOP_SECONDS + LAST_SECONDS)
        self._stopping = True

    def _on_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._reloads += 1


class Stopping:
    """A stop, from the first request on. It waits for what must not be left half done, but not after a second request,
    and not after 90 s: what is still owed then is in state.json for the next daemon. ``words`` says how it ended."""

    def __init__(self) -> None:
        self.words = "stopped"
        self._by: float | None = None
        self._again = False

    def ask(self, now: float) -> bool:
        """One request; whether it is the first. Times are seconds of the monotonic clock."""
        first = self._by is None
        if first:
            self._by = now + STOP_SECONDS
        else:
            self._again = True
        return first

    def sooner(self, due: float) -> float:
        """``due``, or the end of the 90 s where that comes first: no wait goes beyond it."""
        return due if self._by is None else min(due, self._by)

    def cut_short(self, now: float) -> bool:
        """Whether to wait no longer. Once true, it stays true."""
        late = self._by is not None and now > self._by
        if not (self._again or late):
            return False
        why = "it was asked twice" if self._again else f"{STOP_SECONDS:g} s are over"
        self.words = f"stopped at once, because {why}; what was not finished is left to the next daemon"
        return True

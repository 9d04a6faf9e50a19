"""Signals to the daemon, as requests that the loop handles between two ticks."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType

from watchdog_oom.lean_dataclasses import dataclass

_STOP = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Asked:
    stop: bool = False
    reload: bool = False


class SignalInbox:
    """``fileno()`` becomes readable when a signal arrived. The handler itself only records it."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._stops = 0
        self._reloads = 0
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in _STOP:
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

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

    def _on_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._reloads += 1

"""Single keys of a terminal, without echo; whatever happens, the terminal is as before afterwards."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_LONGEST_BYTES = 256


class Keys:
    """What is typed, and that the window was resized. ``fileno`` of the news is waited for together with them."""

    def __init__(self, terminal: int | None, wakeup: int) -> None:
        self._terminal, self._wakeup = terminal, wakeup

    def wait(self, news: int | None, seconds: float) -> tuple[bytes, bool]:
        """Until something is typed, the news come, the window changes, or so long; what was typed, and whether news
        came. A terminal that is gone has typed the end of input."""
        poll = select.poll()
        for fd in (self._terminal, self._wakeup, news):
            if fd is not None:
                poll.register(fd, select.POLLIN)
        ready = {fd for fd, _ in poll.poll(seconds * 1000)}
        if self._wakeup in ready:
            with suppress(BlockingIOError):
                os.read(self._wakeup, _LONGEST_BYTES)
        typed = b""
        if self._terminal in ready and self._terminal is not None:
            with suppress(OSError):
                typed = os.read(self._terminal, _LONGEST_BYTES)
            typed = typed or b"\x04"
        return typed, news in ready


@contextmanager
def terminal_keys() -> Iterator[Keys]:
    """Keys one by one while the context lasts. SIGTERM and SIGHUP end it like Ctrl-C, so that the terminal is given
    back; Ctrl-Z is switched off, since a stopped command would leave the screen as it is."""
    terminal = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
    before = None if terminal is None else termios.tcgetattr(terminal)
    woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    handlers = {number: signal.signal(number, handler) for number, handler in (
        (signal.SIGWINCH, _nothing), (signal.SIGTERM, _interrupt), (signal.SIGHUP, _interrupt))}
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    try:
        if terminal is not None:
            _one_by_one(terminal)
        yield Keys(terminal, woken)
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(woken)
        os.close(wakes)
        if terminal is not None and before is not None:
            with suppress(termios.error):
                termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _one_by_one(terminal: int) -> None:
    mode = termios.tcgetattr(terminal)
    mode[3] &= ~(termios.ICANON | termios.ECHO)
    mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
    mode[6][termios.VSUSP] = b"\x00"
    termios.tcsetattr(terminal, termios.TCSADRAIN, mode)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """SIGWINCH only has to end the waiting."""


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt

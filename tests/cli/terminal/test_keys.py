"""Single keys from a real terminal, which is given back as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
from watchdog_oom.cli.terminal.keys import terminal_keys
try:
    with terminal_keys() as keys:
        os.write(1, b"ready\\n")
        while True:
            typed, news = keys.wait(None, 20)
            os.write(1, repr(typed).encode() + b"\\n")
            if typed in (b"q", b"\\x04"):
                break
            if typed == b"!":
                raise ValueError
except (KeyboardInterrupt, ValueError):
    os.write(1, b"interrupted\\n")
os.write(1, b"end\\n")
sys.stdin.read(0)
"""


class Terminal:
    """A program on a pseudo terminal; what it writes goes to a pipe."""

    def __init__(self) -> None:
        self.ours, self.theirs = os.openpty()
        self.before = termios.tcgetattr(self.theirs)
        self.program = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=self.theirs, stdout=subprocess.PIPE,
                                        cwd=Path(__file__).parents[3], preexec_fn=self._ours)
        assert self.program.stdout is not None
        assert self.line() == b"ready"

    @staticmethod
    def _ours() -> None:
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)

    def line(self) -> bytes:
        assert self.program.stdout is not None
        return self.program.stdout.readline().strip()

    def given_back(self) -> bool:
        return termios.tcgetattr(self.theirs) == self.before

    def close(self) -> None:
        self.program.kill()
        self.program.communicate()
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def test_a_key_is_read_at_once_without_return_and_without_echo(terminal: Terminal) -> None:
    assert not terminal.given_back()
    os.write(terminal.ours, b"s")
    assert terminal.line() == b"b's'"
    os.set_blocking(terminal.ours, False)
    with pytest.raises(BlockingIOError):
        os.read(terminal.ours, 100)


@pytest.mark.parametrize("typed", [b"q", b"!"])
def test_at_the_end_and_after_an_error_the_terminal_is_as_before(terminal: Terminal, typed: bytes) -> None:
    os.write(terminal.ours, typed)
    while terminal.line() != b"end":
        pass
    assert terminal.program.wait(20) == 0
    assert terminal.given_back()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_it_gives_the_terminal_back(terminal: Terminal, number: signal.Signals) -> None:
    terminal.program.send_signal(number)
    assert [terminal.line(), terminal.line()] == [b"interrupted", b"end"]
    assert terminal.program.wait(20) == 0
    assert terminal.given_back()


def test_a_window_that_is_resized_ends_the_waiting(terminal: Terminal) -> None:
    terminal.program.send_signal(signal.SIGWINCH)
    assert terminal.line() == b"b''"


def test_ctrl_z_does_not_stop_it(terminal: Terminal) -> None:
    os.write(terminal.ours, b"\x1a")
    assert terminal.line() == b"b'\\x1a'"


def test_a_terminal_that_is_gone_ends_it() -> None:
    terminal = Terminal()
    try:
        os.close(terminal.ours)
        terminal.ours = os.open("/dev/null", os.O_RDONLY)
        assert terminal.line() == b"b'\\x04'"
        assert terminal.program.wait(20) == 0
    finally:
        terminal.close()

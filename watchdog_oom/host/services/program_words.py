"""The output and exit status of service managers' programs, in words."""

from __future__ import annotations

import signal

from watchdog_oom.formatting import printable


def one_line(text: str) -> str:
    """A program's output on one line and safe to print."""
    return "; ".join(printable(line.strip()) for line in text.splitlines() if line.strip())


def with_output(words: str, text: str) -> str:
    """The words, followed by a program's output if there is any."""
    line = one_line(text)
    return f"{words}: {line}" if line else words


def exit_words(exit_status: int) -> str:
    """An exit status as in a shell, in words."""
    if exit_status <= 128:
        return f"ended with status {exit_status}"
    return f"was ended by {_signal_name(exit_status - 128)}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"status {128 + number}"

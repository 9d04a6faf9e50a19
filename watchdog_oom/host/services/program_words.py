"""What the programs of service managers print and how they end, in words."""

from __future__ import annotations

import signal

from watchdog_oom.formatting import printable


def one_line(text: str) -> str:
    """What a program printed, on one line and safe to print."""
    return "; ".join(printable(line.strip()) for line in text.splitlines() if line.strip())


def with_output(words: str, text: str) -> str:
    """Words followed by what a program printed, if it printed anything."""
    line = one_line(text)
    return f"{words}: {line}" if line else words


def exit_words(exit_status: int) -> str:
    """An exit status as shells count it, in words."""
    if exit_status <= 128:
        return f"ended with status {exit_status}"
    return f"was ended by {_signal_name(exit_status - 128)}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"status {128 + number}"

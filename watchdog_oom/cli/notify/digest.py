"""The text of the morning digest: what ``watchdog-oom report --text`` says of the last day.

A child makes it: it has the same rights as this process, and its memory goes with it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress

import click

from watchdog_oom.cli.notify.cases import LONGEST_DIGEST
from watchdog_oom.formatting import duration, printable

LONGEST_SECONDS = 300.0
_CUT = "\n(the rest is not shown; watchdog-oom report has it)\n"


def digest_text(log: str, runtime: str, *, longest_seconds: float = LONGEST_SECONDS) -> str:
    """Text for people, whatever went wrong."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _report(writing, log, runtime)
    os.close(writing)
    try:
        text = _read(reading, time.monotonic() + longest_seconds)
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if text is None:
        return f"The report was not ready within {duration(longest_seconds)}; watchdog-oom report makes it.\n"
    shown = "\n".join(printable(line) for line in text.splitlines())
    return shown if len(shown) <= LONGEST_DIGEST else shown[:LONGEST_DIGEST] + _CUT


def _report(writing: int, log: str, runtime: str) -> None:
    """In the child: prints the report into the pipe, or why there is none; never returns."""
    try:
        os.dup2(writing, 1)
        sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        try:
            from watchdog_oom.cli.report.command import report  # what it needs stays in the child's memory
            asked = report.make_context("report", ["--text", "--since", "24h", "--log", log, "--runtime", runtime])
            with asked:
                report.invoke(asked)
        except click.exceptions.Exit:  # whether something happened, which the text says
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the mail says so
            print(f"There is no report: {error}")
        sys.stdout.flush()
    finally:
        os._exit(0)


def _read(reading: int, deadline: float) -> str | None:
    """All that comes until the end; ``None`` if that did not come in time."""
    got = b""
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        chunk = os.read(reading, 1 << 16)
        if not chunk:
            return got.decode("utf-8", "backslashreplace")
        got = (got + chunk)[:4 * LONGEST_DIGEST]

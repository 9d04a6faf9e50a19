"""Hands a message to the program of a target: a fixed argument list, no shell, a deadline; what it prints is kept."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from contextlib import suppress

from watchdog_oom.cli.notify.mail import mail_of
from watchdog_oom.cli.notify.messages import NotifyMessage
from watchdog_oom.cli.notify.settings import NotifyTarget
from watchdog_oom.formatting import duration, printable
from watchdog_oom.host.children.spawn import CLEAN_ENVIRONMENT
from watchdog_oom.policy.programs import why_not_run

_MOST_PRINTED_BYTES = 16384
_LONGEST_ERROR = 300
# How Python's logging marks what went wrong: apprise prints it so, and its own usage behind it.
_COMPLAINT = re.compile(r"[0-9][0-9 :,-]+ - (?:WARNING|ERROR|CRITICAL) - (.+)")
VERSION = 1


def send(target: NotifyTarget, message: NotifyMessage, host: str, now: float, timeout_seconds: float) -> str:
    """Why it could not be sent, in words; empty if the program said that it was."""
    problem = why_not_run(target.program)
    if problem:
        return printable(problem)[:_LONGEST_ERROR]
    argv, given = command_of(target, message, host, now)
    return _run(argv, given, timeout_seconds)


def command_of(target: NotifyTarget, message: NotifyMessage, host: str, now: float) -> tuple[list[str], bytes]:
    """The argument list and what goes to the program's standard input."""
    if target.run:
        return list(target.run), json_of(message, host, now)
    if target.apprise:
        tag = [f"--tag={target.tag}"] if target.tag else []
        # Without --verbose it fails without a word. A text stays one: names in it are no markup for whoever shows it.
        return ([target.apprise_program, "--verbose", "--input-format=text", f"--config={target.apprise}",
                 f"--title={message.subject}", *tag], message.text.encode("utf-8", "backslashreplace"))
    return list(target.sendmail), mail_of(message, target.mail, target.sender, host, now)


def json_of(message: NotifyMessage, host: str, now: float) -> bytes:
    """One line of ASCII."""
    plain = {"v": VERSION, "event": message.event, "host": host, "time": now, "id": message.id,
             "replies_to": message.replies_to or None, "subject": message.subject, "text": message.text, **message.data}
    return json.dumps(plain, allow_nan=False).encode("ascii") + b"\n"


def _run(argv: list[str], given: bytes, timeout_seconds: float) -> str:
    """Only the program itself is waited for: one that leaves a child behind to deliver, as some do, has ended."""
    printed = os.memfd_create("printed", os.MFD_CLOEXEC)
    try:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=printed, stderr=printed, cwd="/",
                                   env=dict(CLEAN_ENVIRONMENT), start_new_session=True)
    except OSError as error:
        os.close(printed)
        return printable(f"{argv[0]}: {error.strerror or error}")
    try:
        how = _ended(process, given, timeout_seconds)
        said = _reason(printed) if how else ""
    finally:
        os.close(printed)
    return f"{printable(argv[0])}{how}{f': {said}' if said else ''}" if how else ""


def _ended(process: subprocess.Popen[bytes], given: bytes, timeout_seconds: float) -> str:
    """How it failed, to be put behind its name; empty if it did not."""
    try:
        process.communicate(given, timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f" did not end within {duration(timeout_seconds)}"
    if process.returncode == 0:
        return ""
    return f": signal {-process.returncode}" if process.returncode < 0 else f": exit status {process.returncode}"


def _reason(printed: int) -> str:
    """All that is marked as an error, else the last line."""
    size = os.fstat(printed).st_size
    end = os.pread(printed, _MOST_PRINTED_BYTES, max(0, size - _MOST_PRINTED_BYTES)).decode("utf-8", "replace")
    said = [line.strip() for line in end.splitlines() if line.strip()]
    marked = dict.fromkeys(found[1] for line in said if (found := _COMPLAINT.fullmatch(line)))
    return printable("; ".join(marked) if marked else said[-1] if said else "")[:_LONGEST_ERROR]

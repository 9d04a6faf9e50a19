"""Hands a message to the program of a target: a fixed argument list, no shell, a deadline; its first words are kept."""

from __future__ import annotations

import json
import os
import re
import select
import time

from watchdog_oom.cli.notify.mail import mail_of
from watchdog_oom.cli.notify.messages import NotifyMessage
from watchdog_oom.cli.notify.settings import NotifyTarget
from watchdog_oom.formatting import duration, printable
from watchdog_oom.host.children.descriptors import in_memory
from watchdog_oom.host.children.spawn import spawn_drained
from watchdog_oom.host.children.supervisor import ChildSupervisor, Ended
from watchdog_oom.policy.programs import why_not_run

_LONGEST_ERROR = 300
# How Python's logging marks what went wrong: apprise prints it so, and its own usage behind it.
_COMPLAINT = re.compile(r"[0-9][0-9 :,-]+ - (?:WARNING|ERROR|CRITICAL) - (.+)")
_LOOK_SECONDS = 0.1
_CHILDREN = ChildSupervisor()  # of all messages: the end of what a program left behind is noticed at a later one
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
    """Only the program itself is waited for: one that leaves a child behind to deliver, as some do, has ended. What it
    and its children print takes no memory, however much that is and however long they go on."""
    told = in_memory(given)
    try:
        child = spawn_drained(argv, input_fd=told)
    except OSError as error:
        return printable(f"{argv[0]}: {error.strerror or error}")
    finally:
        os.close(told)
    began = time.monotonic()
    _CHILDREN.add(argv[0], child, timeout_seconds, began)
    while not (over := _CHILDREN.poll(time.monotonic())):
        select.select([_CHILDREN], [], [], _LOOK_SECONDS)
    return _words(argv[0], over[0], timeout_seconds)


def _words(program: str, ended: Ended, timeout_seconds: float) -> str:
    status = ended.exit_status
    if status == 0:
        return ""
    if status is None:
        how = f" did not end within {duration(timeout_seconds)}"
    else:
        how = f": signal {status - 128}" if status > 128 else f": exit status {status}"
    said = _reason(ended.text)
    return f"{printable(program)}{how}{f': {said}' if said else ''}"


def _reason(text: str) -> str:
    """All that is marked as an error, else the last line."""
    said = [line.strip() for line in text.splitlines() if line.strip()]
    marked = dict.fromkeys(found[1] for line in said if (found := _COMPLAINT.fullmatch(line)))
    return printable("; ".join(marked) if marked else said[-1] if said else "")[:_LONGEST_ERROR]

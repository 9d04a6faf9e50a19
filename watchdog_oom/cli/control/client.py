"""The other end of the control socket: one request to the running daemon, what it says meanwhile, and its answer."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import click

from watchdog_oom.cli.daemon_lock import running_daemon
from watchdog_oom.cli.output import safe
from watchdog_oom.daemon.control.listener import NAME
from watchdog_oom.daemon.control.parse import VERSION
from watchdog_oom.errors import NotPermittedError, NotRunningError, UsageError, WatchdogError
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.policy.names import nearest

ANSWER_SECONDS = 15.0
_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class LastWord:
    """The daemon's last line: the exit status it asks for, words, and the faults of policy files."""

    exit_status: int
    words: str
    names: tuple[str, ...]
    faults: tuple[str, ...]


def ask(runtime: str, what: str, **keys: object) -> LastWord:
    """Prints what the daemon says of its progress. Raises NotRunningError and NotPermittedError."""
    request = json.dumps({"v": VERSION, "ask": what, **keys}).encode() + b"\n"
    with closing(_connect(runtime)) as connection:
        connection.settimeout(ANSWER_SECONDS)
        with suppress(BrokenPipeError, ConnectionResetError):  # refused already: the answer says why
            connection.sendall(request)
        for told in _lines(connection):
            connection.settimeout(None)  # it has heard: a run takes as long as it takes
            if "exit" in told:
                return LastWord(int(told["exit"]), str(told.get("words")), tuple(map(str, told.get("names", ()))),
                             tuple(map(str, told.get("faults", ()))))
            click.echo(safe(str(told.get("progress"))))
    raise NotRunningError("the daemon ended before it answered")


def finish(reply: LastWord, rule: str | None = None) -> int:
    """Print the answer; the exit status. ``rule`` is what the user called the rule."""
    for fault in reply.faults:
        click.echo(safe(fault), err=True)
    if not reply.exit_status:
        click.echo(safe(reply.words))
        return 0
    hint = nearest(rule, (*reply.names, *(name.partition(".")[2] for name in reply.names))) if rule else ""
    names = f"; the rules are {', '.join(reply.names)}" if reply.names and not hint else ""
    click.echo(f"watchdog-oom: {safe(reply.words + hint + names)}", err=True)
    return reply.exit_status


def one_or_all(rule: str | None, everything: bool) -> str | None:
    """The rule that was named; ``None`` for all. Raises UsageError."""
    if (rule is None) != everything:
        raise UsageError("name one rule, or --all" if rule is None else "name one rule or --all, not both")
    return rule


def _connect(runtime: str) -> socket.socket:
    deadline = time.monotonic() + ANSWER_SECONDS
    try:
        address = _address(runtime)
        while (connection := _connected(address)) is None:  # so many others wait already
            if time.monotonic() > deadline:
                raise NotRunningError("the daemon does not answer")
            time.sleep(_AGAIN_SECONDS)
    except PermissionError:
        raise NotPermittedError("only root may ask the daemon this; run it as root") from None
    except OSError as error:
        raise _not_running(runtime, error) from None
    return connection


def _connected(address: str) -> socket.socket | None:
    """A connection, or nothing where there is no room for one now."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        connection.connect(address)
    except BlockingIOError:
        connection.close()
        return None
    except OSError:
        connection.close()
        raise
    return connection


def _address(runtime: str) -> str:
    """The path, through a descriptor where it is too long for an address (unix(7)); that one ends with the command."""
    path = f"{runtime}/{NAME}"
    if len(os.fsencode(path)) < 100:
        return path
    return f"/proc/self/fd/{os.open(runtime, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)}/{NAME}"


def _not_running(runtime: str, error: OSError) -> WatchdogError:
    pid = running_daemon(runtime)
    where = printable(runtime)
    if pid is None:
        return NotRunningError(f"the daemon is not running (nobody holds {where}/lock)")
    return NotRunningError(f"the daemon (pid {pid}) cannot be asked: {where}/{NAME}: {error.strerror}")


def _lines(connection: socket.socket) -> Iterator[dict[str, Any]]:
    received = b""
    while True:
        try:
            part = connection.recv(1 << 16)
        except TimeoutError:
            raise NotRunningError(f"the daemon has not answered within {ANSWER_SECONDS:g}s") from None
        except ConnectionResetError:
            return
        *lines, received = (received + part).split(b"\n")
        for line in lines:
            with suppress(ValueError):
                told = json.loads(line)
                if isinstance(told, dict):
                    yield told
        if not part:
            return

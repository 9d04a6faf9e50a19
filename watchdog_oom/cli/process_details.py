"""Details of a process from psutil, for people: its user, terminal, listening ports, processor time and threads.

They are only shown in pages and JSON: rules are matched against the daemon's own readings.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import time
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.host.processes.procfs import read_stat
from watchdog_oom.lean_dataclasses import dataclass, replace

if TYPE_CHECKING:
    import psutil

READING_SECONDS = 0.06  # for all processes of a page together: sockets of a busy host take long to read
FIRST_EPHEMERAL_PORT = 32768  # ip(7): a datagram socket from there on is mostly a client's
MOST_NAMED = 3
_PSEUDO_TERMINALS = range(136, 144)  # major device numbers (admin-guide/devices.txt)
NOTHING = "-"
_T = TypeVar("_T")


class Listener(NamedTuple):
    """A socket that accepts connections or datagrams; the address is empty for all addresses of the host."""

    port: int
    protocol: str
    address: str

    def __str__(self) -> str:
        where = f"[{self.address}]:" if ":" in self.address else f"{self.address}:" if self.address else ""
        return f"{where}{self.port}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class ProcessDetails:
    """``None``: does not exist or was not read, because the process is gone, another user's, or time ran out."""

    user: str | None = None
    terminal: str | None = None
    listens: tuple[Listener, ...] | None = None
    cpu_seconds: float | None = None
    threads: int | None = None

    def to_plain(self) -> dict[str, object]:
        """The keys these details add to a process in JSON."""
        return {"terminal": self.terminal, "listens": None if self.listens is None else list(map(str, self.listens)),
                "cpu_seconds": self.cpu_seconds, "threads": self.threads}


UNKNOWN = ProcessDetails()


class DetailReader:
    """Reads each process once, while there is time. For another host (``--proc``) nothing is known."""

    def __init__(self, proc: str = "/proc", seconds: float = READING_SECONDS) -> None:
        self.this_host = os.path.realpath(proc) == "/proc"
        self._left_seconds = seconds
        self._known: dict[ProcessId, ProcessDetails] = {}

    def of(self, process: Process) -> ProcessDetails:
        if process.id not in self._known:
            self._known[process.id] = self._read(process)
        return self._known[process.id]

    def _read(self, process: Process) -> ProcessDetails:
        if not self.this_host or self._left_seconds <= 0:
            return UNKNOWN
        import_module("psutil")  # its import does not count: the time is for sockets
        began = time.monotonic()
        details = read_details(process.pid)
        if details.terminal is None:
            details = replace(details, terminal=_pseudo_terminal(process.tty))
        now = read_stat("/proc", process.pid)
        self._left_seconds -= time.monotonic() - began
        return details if now is not None and now.id == process.id else UNKNOWN


def read_details(pid: int) -> ProcessDetails:
    """Each detail separately: a user who may not see the sockets may still see the owner."""
    import psutil  # where nobody is described, it need not be imported
    process = readable(lambda: psutil.Process(pid))
    if process is None:
        return UNKNOWN
    with process.oneshot():
        times = readable(process.cpu_times)
        return ProcessDetails(
            user=readable(process.username), terminal=readable(process.terminal),
            listens=readable(lambda: listeners(process)), threads=readable(process.num_threads),
            cpu_seconds=None if times is None else round(times.user + times.system, 2))


def listens_on(ports: tuple[Listener, ...]) -> str:
    """``listens on 25/tcp, 465/tcp``, or nothing."""
    more = f" and {len(ports) - MOST_NAMED} more" if len(ports) > MOST_NAMED else ""
    return f"listens on {', '.join(map(str, ports[:MOST_NAMED]))}{more}" if ports else ""


def terminal_column(known: ProcessDetails) -> str:
    return (known.terminal or NOTHING).removeprefix("/dev/")


def listens_column(known: ProcessDetails, most: int = 2) -> str:
    """The first listening ports, for a column."""
    if known.listens is None:
        return "?"
    more = ",…" if len(known.listens) > most else ""
    return (",".join(map(str, known.listens[:most])) + more) or NOTHING


def listeners(process: psutil.Process) -> tuple[Listener, ...]:
    """By port: listening TCP sockets, and UDP sockets without a peer on a port below the clients' range."""
    import psutil
    ask = getattr(process, "net_connections", None) or process.connections  # the name before psutil 6
    found = set()
    for connection in ask("inet"):
        port = connection.laddr.port if connection.laddr else 0
        if connection.status == psutil.CONN_LISTEN:
            found.add(Listener(port, "tcp", _address(connection.laddr.ip)))
        elif connection.type == socket.SOCK_DGRAM and not connection.raddr and 0 < port < FIRST_EPHEMERAL_PORT:
            found.add(Listener(port, "udp", _address(connection.laddr.ip)))
    return tuple(sorted(found))


def readable(read: Callable[[], _T]) -> _T | None:
    """psutil's answer; ``None`` if the process vanished, is a zombie, or may not be read."""
    import psutil
    try:
        return read()
    except (psutil.Error, OSError, RuntimeError, ValueError):  # psutil raises RuntimeError for lines it cannot parse
        return None


def _pseudo_terminal(tty: int) -> str | None:
    """psutil lists the terminals once; one opened since then is named by its number (pts(4))."""
    major = os.major(tty)
    return f"/dev/pts/{((major - _PSEUDO_TERMINALS[0]) << 8) + os.minor(tty)}" if major in _PSEUDO_TERMINALS else None


def _address(ip: str) -> str:
    return "" if ipaddress.ip_address(ip).is_unspecified else ip

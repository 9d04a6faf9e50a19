"""Probes over TCP: one attempt to connect to a service, without blocking the loop.

Only numeric addresses and ``localhost`` can be probed. Any other name would need a resolver, which can block for an
unknown time, and on a host in trouble may not answer at all: the probe would then test the resolver.
"""

from __future__ import annotations

import errno
import os
import select
import socket

from watchdog_oom import formatting
from watchdog_oom.core.nouns import TcpProbe
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass

ATTEMPT_SECONDS = 5.0
GREETING_BYTES = 4096
_UNDER_WAY = (errno.EINPROGRESS, errno.EALREADY, errno.EINTR)
_CONNECTED = (0, errno.EISCONN)


def addresses(host: str) -> tuple[tuple[socket.AddressFamily, str], ...]:
    """The addresses to try, in order; empty if the host is a name that would need a resolver."""
    if host == "localhost":
        return ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return ((family, host),)
    return ()


def host_problem(host: str) -> str | None:
    """Why a probe's host cannot be used, in words; ``None`` if it can."""
    if addresses(host):
        return None
    return f"{printable(host)} is a name, and resolving it may block; give its address, or localhost"


def connected_to_itself(sock: socket.socket) -> bool:
    """Whether the socket is connected to itself: if a closed port of the ephemeral range is chosen as the local port
    of the connection to that port, TCP connects the socket to itself."""
    try:
        return bool(sock.getsockname() == sock.getpeername())
    except OSError:
        return False


class TcpAttempt:
    """One attempt: connect, then read until the expected words appear in the first 4 KiB. Owns its socket."""

    def __init__(self, probe: TcpProbe) -> None:
        self._probe = probe
        self._place = f"{probe.host}:{probe.port}"
        self._expected = (probe.expect or "").encode()
        self._to_try = list(addresses(probe.host))
        self._socket: socket.socket | None = None
        self._address = ""
        self._heard = b""
        self._connected = False
        self._refusal = host_problem(probe.host)

    @property
    def socket(self) -> socket.socket | None:
        """The socket to wait on; it changes after the first address of ``localhost`` refused."""
        return self._socket

    @property
    def interest(self) -> int:
        """What to wait for, as an epoll mask."""
        return select.EPOLLIN if self._connected else select.EPOLLOUT

    def advance(self) -> tuple[bool, str] | None:
        """Continue as far as possible without waiting; returns the verdict with words, or ``None`` if there is none
        yet."""
        while not self._connected:
            if self._socket is None and not self._to_try:
                return False, self._refusal or f"no connection to {self._place}"
            status = self._connect()
            if status in _UNDER_WAY:
                return None
            if status != 0:
                self.close()
                # Report the first address; on a host without IPv6 the second failure would only say that.
                self._refusal = self._refusal or f"no connection to {self._place}: {os.strerror(status)}"
        return self._read()

    def overdue(self, seconds: float) -> tuple[bool, str]:
        """The verdict at the deadline."""
        if not self._connected:
            return False, f"no connection to {self._place} within {formatting.duration(seconds)}"
        return False, f"{self._place} accepts the connection, but {self._said()} within {formatting.duration(seconds)}"

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> int:
        """Begin to connect, or check the progress: 0 or an error number, as connect(2) returns when called again."""
        try:
            if self._socket is None:
                family, self._address = self._to_try.pop(0)
                self._socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            status = self._socket.connect_ex((self._address, self._probe.port))
        except OSError as error:
            return error.errno or errno.EIO
        if status not in _CONNECTED:
            return status
        if connected_to_itself(self._socket):
            return errno.ECONNREFUSED
        self._connected = True
        return 0

    def _read(self) -> tuple[bool, str] | None:
        if self._socket is None or not self._expected:
            return True, f"{self._place} accepts the connection"
        while len(self._heard) < GREETING_BYTES:
            try:
                chunk = self._socket.recv(GREETING_BYTES - len(self._heard))
            except BlockingIOError:
                return None
            except OSError as error:
                return False, f"{self._place}: {error.strerror}; {self._said()}"
            if not chunk:
                return False, f"{self._place} closed the connection; {self._said()}"
            self._heard += chunk
            if self._expected in self._heard:
                return True, f"{self._place} says {self._quoted()}"
        return False, f"{self._place}: {self._said()}"

    def _said(self) -> str:
        if not self._heard:
            return "it said nothing"
        return f"it said {self._quoted()}, not {printable(self._probe.expect or '')!r}"

    def _quoted(self) -> str:
        lines = self._heard.split(b"\n")
        telling = next((line for line in lines if self._expected in line), lines[0])[:200]
        return f'"{printable(telling.decode("utf-8", "backslashreplace").strip())}"'


@dataclass(slots=True)
class _RunningProbe:
    attempt: TcpAttempt
    began: float
    deadline: float
    registered: socket.socket | None = None
    interest: int = 0


class TcpProbes:
    """All attempts under way, by intent id. Register ``fileno()`` for reading; call ``poll`` when it is readable, and
    at each tick."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._running: dict[str, _RunningProbe] = {}
        self._reports: list[EffectReport] = []

    def fileno(self) -> int:
        return self._epoll.fileno()

    def start(self, intent_id: str, probe: TcpProbe, now: float) -> None:
        """Begin one attempt, of at most 5 s; its result is a later report."""
        if intent_id in self._running:
            return
        deadline = now + min(probe.within_seconds, ATTEMPT_SECONDS)
        self._running[intent_id] = _RunningProbe(TcpAttempt(probe), now, deadline)
        self._advance(intent_id, now)

    def poll(self, now: float) -> tuple[EffectReport, ...]:
        """The reports on all attempts that ended or became overdue."""
        for intent_id in tuple(self._running):
            self._advance(intent_id, now)
        reports, self._reports = tuple(self._reports), []
        return reports

    def close(self) -> None:
        for running in self._running.values():
            running.attempt.close()
        self._running.clear()
        self._epoll.close()

    def _advance(self, intent_id: str, now: float) -> None:
        running = self._running[intent_id]
        try:
            verdict = running.attempt.advance()
            self._wait(running)
        except OSError as error:
            verdict = False, f"no socket could be created: {error.strerror}"
        if verdict is None and now >= running.deadline:
            verdict = running.attempt.overdue(running.deadline - running.began)
        if verdict is None:
            return
        running.attempt.close()  # this also removes it from the epoll set
        del self._running[intent_id]
        self._reports.append(EffectReport(intent_id, Outcome(*verdict), max(0.0, now - running.began), now))

    def _wait(self, running: _RunningProbe) -> None:
        sock, interest = running.attempt.socket, running.attempt.interest
        if sock is None or (sock is running.registered and interest == running.interest):
            return
        if sock is running.registered:
            self._epoll.modify(sock, interest)
        else:
            self._epoll.register(sock, interest)
        running.registered, running.interest = sock, interest

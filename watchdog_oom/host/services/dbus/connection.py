"""A non-blocking connection to a D-Bus peer: opened for a call, closed when nothing more is needed.

On a permanent connection PID 1 would signal every change of every unit, and each signal would wake the daemon.
"""

from __future__ import annotations

import errno
import select
import socket
from contextlib import suppress

from watchdog_oom.host.services.dbus.events import Answered, BusAddress, Disconnected, Event, Unanswered
from watchdog_oom.host.services.dbus.wire import BusSignal, Call, Failure, Inbox, Reply, WireError, encode, greeting
from watchdog_oom.lean_dataclasses import dataclass

WELCOME_SECONDS = 8.0
IDLE_SECONDS = 2.0
FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 10.0
_CHUNK_BYTES = 64 << 10
_CHUNKS_A_POLL = 16
_SILENCE = "systemd does not answer"
_FULL_BACKLOG = (errno.EAGAIN, errno.EINPROGRESS)


@dataclass(slots=True)
class _Waiting:
    data: bytes
    deadline: float
    sent: bool = False


class BusConnection:
    """At most one connection, to the first of ``places`` that answers. ``fileno()`` is readable when ``poll`` has
    something to do; it stays the same over all connections. All times are seconds of CLOCK_BOOTTIME."""

    def __init__(self, places: tuple[BusAddress, ...], signals: frozenset[str] = frozenset()) -> None:
        self._places = places
        self._signals = signals
        self._epoll = select.epoll()
        self._socket: socket.socket | None = None
        self._inbox = Inbox(signals)
        self._outgoing = bytearray()
        self._opening: list[int] = []
        self._ready = False
        self._owner: str | None = None
        self._place = 0
        self._welcome_by = 0.0
        self._retry_at = 0.0
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._used = 0.0
        self._tried_silent = False
        self._serial = 0
        self._waiting: dict[int, _Waiting] = {}
        self._events: list[Event] = []
        self._closed = False

    def fileno(self) -> int:
        return self._epoll.fileno()

    def call(self, call: Call, within_seconds: float, now: float) -> int:
        """Queue a call; returns the serial number under which the answer, or its absence, is reported. Nothing is sent
        yet.

        Raises WireError if the call's values do not fit its signature.
        """
        self._serial += 1
        self._waiting[self._serial] = _Waiting(encode(call, self._serial), now + within_seconds)
        return self._serial

    def poll(self, now: float, *, keep: bool = False) -> tuple[Event, ...]:
        """Send what can be sent, receive what arrived, give up on what is overdue. ``keep``: signals are awaited."""
        if self._closed:
            return ()
        self._give_up_overdue(now)
        if self._socket is None and (self._waiting or keep):
            self._connect(now)
        if self._socket is not None:
            self._exchange(self._socket, now)
        self._close_if_idle(now, keep=keep)
        events, self._events = tuple(self._events), []
        return events

    def close(self) -> None:
        """Close everything; it can be used again afterwards."""
        if not self._closed:
            self._hang_up()
            self._epoll.close()
            self._closed = True

    def _connect(self, now: float) -> None:
        if now < self._retry_at:
            self._refuse_unsent("there is no connection to systemd", silent=self._tried_silent)
            return
        if self._place == 0:
            self._tried_silent = False
        while self._socket is None:
            try:
                sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            except OSError as error:  # descriptors have run out, perhaps for a moment
                if not self._next_place(f"no connection: {error.strerror}", now, silent=False):
                    return
                continue
            status = sock.connect_ex(self._places[self._place].address)
            if status == 0:
                self._socket, self._welcome_by = sock, now + WELCOME_SECONDS
                self._outgoing += greeting()
                self._epoll.register(sock, select.EPOLLIN | select.EPOLLOUT)
            else:
                sock.close()
                name = errno.errorcode.get(status, str(status))
                if not self._next_place(f"no connection: {name}", now, silent=status in _FULL_BACKLOG):
                    return

    def _next_place(self, words: str, now: float, *, silent: bool) -> bool:
        """Go to the next place; after the last one wait, longer each time, and return unsent calls as failed."""
        self._tried_silent = self._tried_silent or silent
        self._place = (self._place + 1) % len(self._places)
        if self._place:
            return True
        self._retry_at = now + self._retry_seconds
        self._retry_seconds = min(LAST_RETRY_SECONDS, self._retry_seconds * 2)
        self._refuse_unsent(words, silent=self._tried_silent)
        return False

    def _exchange(self, sock: socket.socket, now: float) -> None:
        try:
            self._receive(sock, now)
            self._send(sock)
            if not self._ready and now >= self._welcome_by:
                self._lose("it does not answer", now, silent=True)
        except WireError as error:
            self._lose(str(error), now)
        except OSError as error:
            self._lose(f"the connection broke: {error.strerror}", now)

    def _receive(self, sock: socket.socket, now: float) -> None:
        for _ in range(_CHUNKS_A_POLL):
            try:
                data = sock.recv(_CHUNK_BYTES)
            except BlockingIOError:
                return
            if not data:
                raise WireError("it closed the connection")
            welcomed = self._inbox.welcomed
            messages = self._inbox.feed(data)
            if self._inbox.welcomed and not welcomed:
                self._open()
            for message in messages:
                self._take(message, now)

    def _open(self) -> None:
        for call in self._places[self._place].opening:
            self._serial += 1
            self._opening.append(self._serial)
            self._outgoing += encode(call, self._serial)

    def _take(self, message: Reply | Failure | BusSignal, now: float) -> None:
        if isinstance(message, BusSignal):
            if self._ready and message.sender == self._owner:
                self._events.append(message)
        elif message.serial in self._opening:
            self._opening.remove(message.serial)
            if not self._opening:
                self._welcome(message, now)
        elif self._waiting.pop(message.serial, None) is not None:
            self._events.append(Answered(message.serial, message))

    def _welcome(self, last: Reply | Failure, now: float) -> None:
        """The connection is open. If the last opening call, which subscribes to signals, is refused, the connection is
        still good: calls work without signals."""
        self._ready, self._used = True, now
        self._owner = last.sender if isinstance(last, Reply) else None
        self._retry_seconds, self._tried_silent = FIRST_RETRY_SECONDS, False

    def _send(self, sock: socket.socket) -> None:
        if self._ready:
            for waiting in self._waiting.values():
                if not waiting.sent:
                    self._outgoing += waiting.data
                    waiting.sent = True
        with suppress(BlockingIOError):
            while self._outgoing:
                del self._outgoing[:sock.send(self._outgoing)]
        self._epoll.modify(sock, select.EPOLLIN | (select.EPOLLOUT if self._outgoing else 0))

    def _give_up_overdue(self, now: float) -> None:
        for serial, waiting in tuple(self._waiting.items()):
            if now >= waiting.deadline:
                del self._waiting[serial]
                self._events.append(Unanswered(serial, waiting.sent, True, _SILENCE))

    def _refuse_unsent(self, words: str, *, silent: bool) -> None:
        words = _SILENCE if silent else words
        for serial, waiting in tuple(self._waiting.items()):
            if not waiting.sent:
                del self._waiting[serial]
                self._events.append(Unanswered(serial, False, silent, words))

    def _lose(self, words: str, now: float, *, silent: bool = False) -> None:
        """The connection is lost. Calls that were sent may or may not have been processed; the others go to the next
        place or, if this one had worked, to a new connection here."""
        was_ready = self._ready
        self._hang_up()
        for serial, waiting in tuple(self._waiting.items()):
            if waiting.sent:
                del self._waiting[serial]
                self._events.append(Unanswered(serial, True, False, words))
        if was_ready:
            self._place = 0
            self._events.append(Disconnected(words))
        else:
            self._next_place(words, now, silent=silent)

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()  # this also removes it from the epoll set
            self._socket = None
        self._inbox = Inbox(self._signals)
        self._outgoing.clear()
        self._opening.clear()
        self._ready, self._owner = False, None

    def _close_if_idle(self, now: float, *, keep: bool) -> None:
        if self._socket is None and not self._waiting and not keep:
            self._place = 0  # the next call starts with the best place
        elif self._waiting or keep or not self._ready:
            self._used = now
        elif now - self._used >= IDLE_SECONDS:
            self._hang_up()
            self._place = 0

"""D-Bus as bytes: outgoing calls, incoming answers and signals. Nothing here does I/O.

The format is that of the D-Bus specification, "Message Protocol" and "Authentication Protocol".
"""

from __future__ import annotations

import os

from watchdog_oom.host.services.dbus.message import (
    DESTINATION,
    ERROR,
    ERROR_NAME,
    FIRST_BYTES,
    INTERFACE,
    MEMBER,
    METHOD_CALL,
    METHOD_RETURN,
    PATH,
    REPLY_SERIAL,
    SENDER,
    SIGNAL,
    SIGNATURE,
    message_bytes,
    read_body,
    read_header,
    write_message,
)
from watchdog_oom.host.services.dbus.signature import FormatError
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any, TypeAlias

MOST_MESSAGE_BYTES = 4 << 20
MOST_LINE_BYTES = 4096


class WireError(Exception):
    """The data is not D-Bus, or violates the protocol; the connection is unusable."""


@dataclass(frozen=True, slots=True)
class Call:
    """One method call; ``body`` fits ``signature``."""

    destination: str
    path: str
    interface: str
    member: str
    signature: str = ""
    body: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to the call with that serial number."""

    serial: int
    body: tuple[Any, ...]
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The refusal of the call with that serial number: the error's name and its text."""

    serial: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class BusSignal:
    """A signal."""

    path: str
    member: str
    body: tuple[Any, ...]
    sender: str | None = None


Incoming: TypeAlias = Reply | Failure | BusSignal


def greeting() -> bytes:
    """The bytes that open a connection: authentication by uid (SASL EXTERNAL, checked by the kernel), and ``BEGIN``.

    The first call must not be sent before the answer: systemd up to at least 252 does not process a message that it
    read together with ``BEGIN`` until more bytes arrive, which never happens.
    """
    return b"\0AUTH EXTERNAL %s\r\nBEGIN\r\n" % str(os.geteuid()).encode().hex().encode()


def encode(call: Call, serial: int) -> bytes:
    """The bytes of a call. Raises WireError if a value does not fit."""
    fields: dict[int, object] = {PATH: call.path, DESTINATION: call.destination, INTERFACE: call.interface,
                                 MEMBER: call.member}
    if call.signature:
        fields[SIGNATURE] = call.signature
    try:
        return write_message(METHOD_CALL, serial, fields, call.body)
    except FormatError as error:
        raise WireError(f"{call.member} cannot be sent: {error}") from None


class Inbox:
    """Turns received bytes into messages. Only signals named in ``signals`` are decoded."""

    def __init__(self, signals: frozenset[str] = frozenset()) -> None:
        self._signals = signals
        self._bytes = bytearray()
        self.welcomed = False

    def feed(self, data: bytes) -> tuple[Incoming, ...]:
        """The messages that are complete now. Raises WireError for invalid or unreasonably large messages."""
        self._bytes += data
        if not self.welcomed and not self._take_welcome():
            return ()
        found: list[Incoming] = []
        while (raw := self._next()) is not None:
            message = self._decode(raw)
            if message is not None:
                found.append(message)
        return tuple(found)

    def _take_welcome(self) -> bool:
        """The line that answers the authentication."""
        line, end, _ = bytes(self._bytes[:MOST_LINE_BYTES]).partition(b"\r\n")
        if not end:
            if len(line) >= MOST_LINE_BYTES:
                raise WireError("its answer to the greeting does not end")
            return False
        if not line.startswith(b"OK "):
            raise WireError(f"it refuses us: {line[:100].decode('ascii', 'backslashreplace')}")
        del self._bytes[:len(line) + len(end)]
        self.welcomed = True
        return True

    def _next(self) -> bytes | None:
        if len(self._bytes) < FIRST_BYTES:
            return None
        try:
            size = message_bytes(bytes(self._bytes[:FIRST_BYTES]))
        except FormatError:
            raise WireError("what it sends is no message") from None
        if size > MOST_MESSAGE_BYTES:
            raise WireError(f"it announces a message of {size} bytes")
        if len(self._bytes) < size:
            return None
        raw = bytes(self._bytes[:size])
        del self._bytes[:size]
        return raw

    def _decode(self, raw: bytes) -> Incoming | None:
        """``None`` for what is not for us: calls, signals nobody waits for, kinds of a later version."""
        try:
            header = read_header(raw)
            fields = header.fields
            if header.kind not in (METHOD_RETURN, ERROR, SIGNAL):
                return None
            if header.kind == SIGNAL and fields[MEMBER] not in self._signals:
                return None
            body = read_body(raw, header)
        except FormatError:
            raise WireError("what it sends is no message") from None
        if header.kind == METHOD_RETURN:
            return Reply(fields[REPLY_SERIAL], body, fields.get(SENDER))
        if header.kind == ERROR:
            text = body[0] if body and isinstance(body[0], str) else ""
            return Failure(fields[REPLY_SERIAL], fields[ERROR_NAME], text)
        return BusSignal(fields[PATH], fields[MEMBER], body, fields.get(SENDER))

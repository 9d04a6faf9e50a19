"""D-Bus as bytes: outgoing calls, incoming answers and signals. Nothing here does I/O.

The format is that of the D-Bus specification, "Message Protocol" and "Authentication Protocol"; jeepney encodes it.
"""

from __future__ import annotations

import struct

from jeepney.auth import BEGIN, make_auth_external
from jeepney.low_level import (
    Endianness,
    Header,
    HeaderFields,
    Message,
    MessageFlag,
    MessageType,
    calc_msg_size,
)

from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any, TypeAlias

MOST_MESSAGE_BYTES = 4 << 20
MOST_LINE_BYTES = 4096
_FIRST_BYTES = 16
# What jeepney's parser raises on invalid messages.
_NOT_A_MESSAGE = (ValueError, KeyError, IndexError, TypeError, AssertionError, RecursionError, struct.error)


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
    return b"\0" + bytes(make_auth_external()) + bytes(BEGIN)


def encode(call: Call, serial: int) -> bytes:
    """The bytes of a call. Raises WireError if a value does not fit."""
    fields: dict[HeaderFields, str] = {
        HeaderFields.path: call.path, HeaderFields.destination: call.destination,
        HeaderFields.interface: call.interface, HeaderFields.member: call.member}
    if call.signature:
        fields[HeaderFields.signature] = call.signature
    header = Header(Endianness.little, MessageType.method_call, MessageFlag(0), 1, 0, serial, fields)
    try:
        return bytes(Message(header, call.body).serialise(serial=serial))
    except _NOT_A_MESSAGE as error:
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
        if len(self._bytes) < _FIRST_BYTES:
            return None
        try:
            size = int(calc_msg_size(bytes(self._bytes[:_FIRST_BYTES])))
        except _NOT_A_MESSAGE:
            raise WireError("what it sends is no message") from None
        if size > MOST_MESSAGE_BYTES:
            raise WireError(f"it announces a message of {size} bytes")
        if len(self._bytes) < size:
            return None
        raw = bytes(self._bytes[:size])
        del self._bytes[:size]
        return raw

    def _decode(self, raw: bytes) -> Incoming | None:
        try:
            header, _ = Header.from_buffer(raw)
            fields = header.fields
            if header.message_type is MessageType.signal and fields.get(HeaderFields.member) not in self._signals:
                return None
            body = tuple(Message.from_buffer(raw).body)
        except _NOT_A_MESSAGE:
            raise WireError("what it sends is no message") from None
        sender = fields.get(HeaderFields.sender)
        match header.message_type:
            case MessageType.method_return:
                return Reply(fields.get(HeaderFields.reply_serial, 0), body, sender)
            case MessageType.error:
                text = body[0] if body and isinstance(body[0], str) else ""
                return Failure(fields.get(HeaderFields.reply_serial, 0), fields.get(HeaderFields.error_name, ""), text)
            case MessageType.signal:
                return BusSignal(fields.get(HeaderFields.path, ""), fields[HeaderFields.member], body, sender)
            case _:
                return None

"""Messages: a header with its fields, and a body (D-Bus specification, "Message Format").

Names of buses, interfaces and members are not checked for their form: they are compared and shown, nothing else.
"""

from __future__ import annotations

import struct

from watchdog_oom.host.services.dbus.marshal import marshal
from watchdog_oom.host.services.dbus.signature import FormatError
from watchdog_oom.host.services.dbus.unmarshal import Unmarshaller
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any

FIRST_BYTES = 16  # with these, a message's size is known

METHOD_CALL, METHOD_RETURN, ERROR, SIGNAL = 1, 2, 3, 4
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE, UNIX_FDS = range(1, 10)
FIELD_TYPES = {PATH: "o", INTERFACE: "s", MEMBER: "s", ERROR_NAME: "s", REPLY_SERIAL: "u", DESTINATION: "s",
               SENDER: "s", SIGNATURE: "g", UNIX_FDS: "u"}

_VERSION = 1
_HEADER = "yyyyuua(yv)"
_ORDERS = {ord("l"): "<", ord("B"): ">"}
_NEEDED = {METHOD_CALL: (PATH, MEMBER), METHOD_RETURN: (REPLY_SERIAL,), ERROR: (ERROR_NAME, REPLY_SERIAL),
           SIGNAL: (PATH, INTERFACE, MEMBER)}


@dataclass(frozen=True, slots=True)
class MessageHeader:
    """``fields`` has what its kind needs, and each known field with its type. Other kinds than the four and other
    fields are those of a later version, and to be ignored."""

    kind: int
    flags: int
    serial: int
    fields: dict[int, Any]
    order: str
    body_at: int


def write_message(kind: int, serial: int, fields: dict[int, object], body: tuple[object, ...] = ()) -> bytes:
    """The bytes of a message without flags; SIGNATURE among the fields is that of the body. Raises FormatError."""
    signature = fields.get(SIGNATURE, "")
    if not isinstance(signature, str):
        raise FormatError("a signature is a text")
    data = marshal(signature, body)
    named = [(field, (FIELD_TYPES[field], value)) for field, value in sorted(fields.items())]
    header = marshal(_HEADER, (ord("l"), kind, 0, _VERSION, len(data), serial, named))
    return header + bytes(-len(header) % 8) + data


def message_bytes(first: bytes) -> int:
    """The size of the message that begins with these FIRST_BYTES. Raises FormatError if they do not begin one."""
    order = _order(first)
    (body,) = struct.unpack_from(f"{order}I", first, 4)
    (fields,) = struct.unpack_from(f"{order}I", first, 12)
    return FIRST_BYTES + int(fields) + -int(fields) % 8 + int(body)


def read_header(raw: bytes) -> MessageHeader:
    """The header of a complete message. Raises FormatError."""
    cursor = Unmarshaller(raw, _order(raw))
    _, kind, flags, _, length, serial, named = cursor.read(_HEADER)
    cursor.align(8)
    if kind == 0 or serial == 0 or cursor.position + length != len(raw):
        raise FormatError("its header is not valid")
    fields: dict[int, Any] = {}
    for field, (signature, value) in named:
        if field == 0 or field in fields or signature != FIELD_TYPES.get(field, signature):
            raise FormatError("a field of its header is not valid")
        fields[field] = value
    if not all(field in fields for field in _NEEDED.get(kind, ())):
        raise FormatError("a field of its header is missing")
    if fields.get(UNIX_FDS, 0):
        raise FormatError("it has file descriptors that were not agreed on")
    return MessageHeader(kind, flags, serial, fields, _order(raw), cursor.position)


def read_body(raw: bytes, header: MessageHeader) -> tuple[Any, ...]:
    """The values of the message's body. Raises FormatError."""
    cursor = Unmarshaller(raw, header.order, header.body_at)
    body = cursor.read(header.fields.get(SIGNATURE, ""))
    if cursor.position != len(raw):
        raise FormatError("its body is longer than its values")
    return body


def _order(raw: bytes) -> str:
    order = _ORDERS.get(raw[0])
    if order is None or raw[3] != _VERSION:
        raise FormatError("it is not of this version of D-Bus")
    return order

"""Messages: headers as jeepney writes and reads them, and refusals of those that are none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jeepney.low_level import Endianness, Header, HeaderFields, Message, MessageFlag, MessageType, Parser

from tests.host.services.dbus.random_values import ORDERS, PATHS, TEXTS, bodies
from watchdog_oom.host.services.dbus.marshal import marshal
from watchdog_oom.host.services.dbus.message import (
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
    UNIX_FDS,
    message_bytes,
    read_body,
    read_header,
    write_message,
)
from watchdog_oom.host.services.dbus.signature import FormatError

SERIALS = st.integers(1, 2**32 - 1)
NEEDED: dict[int, dict[int, Any]] = {
    METHOD_CALL: {PATH: "/", MEMBER: "M"}, METHOD_RETURN: {REPLY_SERIAL: 3},
    ERROR: {ERROR_NAME: "x.E", REPLY_SERIAL: 3}, SIGNAL: {PATH: "/", INTERFACE: "x.I", MEMBER: "S"}}
FIELD_CODES = {PATH: "o", REPLY_SERIAL: "u", SIGNATURE: "g", UNIX_FDS: "u"}


def raw(kind: int, fields: list[tuple[int, tuple[str, Any]]], body: bytes = b"", *, serial: int = 1,
        length: int | None = None) -> bytes:
    """A message of whatever is given."""
    header = marshal("yyyyuua(yv)", (ord("l"), kind, 0, 1, len(body) if length is None else length, serial, fields))
    return header + bytes(-len(header) % 8) + body


def typed(fields: dict[int, Any]) -> list[tuple[int, tuple[str, Any]]]:
    return [(field, (FIELD_CODES.get(field, "s"), value)) for field, value in fields.items()]


def read(data: bytes) -> tuple[int, int, dict[int, Any], tuple[Any, ...]]:
    assert message_bytes(data[:FIRST_BYTES]) == len(data)
    header = read_header(data)
    return header.kind, header.serial, header.fields, read_body(data, header)


@given(SERIALS, PATHS, TEXTS, bodies().filter(lambda body: "h" not in repr(body)))
def test_a_call_has_the_bytes_of_jeepney_and_is_read_by_it(serial: int, path: str, member: str,
                                                           body: tuple[str, tuple[Any, ...]]) -> None:
    signature, values = body
    fields = {HeaderFields.path: path, HeaderFields.member: member, HeaderFields.signature: signature}
    header = Header(Endianness.little, MessageType.method_call, MessageFlag(0), 1, 0, serial, fields)
    ours = write_message(METHOD_CALL, serial, {MEMBER: member, PATH: path, SIGNATURE: signature}, values)
    assert ours == Message(header, values).serialise(serial=serial)
    (judged,) = Parser().feed(ours)
    assert (judged.header.serial, judged.header.fields, judged.body) == (serial, fields, values)


@given(st.sampled_from(sorted(ORDERS)), st.sampled_from(sorted(NEEDED)), SERIALS, st.sampled_from(range(8)),
       bodies().filter(lambda body: "h" not in repr(body)))
def test_what_jeepney_wrote_is_read_in_either_order_of_bytes(order: str, kind: int, serial: int, flags: int,
                                                            body: tuple[str, tuple[Any, ...]]) -> None:
    signature, values = body
    fields = {**NEEDED[kind], SENDER: ":1.2", SIGNATURE: signature}
    header = Header(ORDERS[order], MessageType(kind), MessageFlag(flags), 1, 0, serial,
                    {HeaderFields(field): value for field, value in fields.items()})
    data = bytes(Message(header, values).serialise(serial=serial))
    assert read(data) == (kind, serial, fields, values)
    assert read_header(data).flags == flags


def test_a_message_without_a_body_is_read() -> None:
    assert read(raw(METHOD_RETURN, typed({REPLY_SERIAL: 3}))) == (METHOD_RETURN, 1, {REPLY_SERIAL: 3}, ())


def test_kinds_and_fields_of_a_later_version_are_read_over() -> None:
    kind, _, fields, _ = read(raw(77, [(200, ("a{sv}", {"x": ("u", 1)}))]))
    assert (kind, fields) == (77, {200: {"x": ("u", 1)}})


@pytest.mark.parametrize("kind", sorted(NEEDED))
def test_a_message_that_lacks_what_its_kind_needs_is_refused(kind: int) -> None:
    assert read(raw(kind, typed(NEEDED[kind])))[2] == NEEDED[kind]
    for missing in NEEDED[kind]:
        with pytest.raises(FormatError, match="missing"):
            read(raw(kind, typed({key: value for key, value in NEEDED[kind].items() if key != missing})))


@pytest.mark.parametrize("data", [
    raw(0, []), raw(METHOD_RETURN, typed({REPLY_SERIAL: 3}), serial=0),
    raw(METHOD_RETURN, [(REPLY_SERIAL, ("s", "3"))]),
    raw(METHOD_RETURN, typed({REPLY_SERIAL: 3}) * 2), raw(METHOD_RETURN, [*typed({REPLY_SERIAL: 3}), (0, ("s", ""))]),
    raw(METHOD_RETURN, typed({REPLY_SERIAL: 3, UNIX_FDS: 1})), raw(METHOD_RETURN, typed({REPLY_SERIAL: 3}), b"more"),
    raw(METHOD_RETURN, typed({REPLY_SERIAL: 3, SIGNATURE: "u"}), b"\0\0\0\0more"),
    raw(METHOD_RETURN, typed({REPLY_SERIAL: 3, SIGNATURE: "u"}))])
def test_a_message_that_is_not_well_formed_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        read(data)


def test_a_message_that_announces_another_size_is_refused() -> None:
    with pytest.raises(FormatError):
        read_header(raw(METHOD_RETURN, typed({REPLY_SERIAL: 3}), length=8))


@pytest.mark.parametrize(("place", "value"), [(0, ord("x")), (0, ord("L")), (3, 0), (3, 2)])
def test_what_is_of_another_version_is_no_message(place: int, value: int) -> None:
    first = bytearray(raw(METHOD_RETURN, typed({REPLY_SERIAL: 3}))[:FIRST_BYTES])
    first[place] = value
    with pytest.raises(FormatError, match="version"):
        message_bytes(bytes(first))


def test_padding_between_header_and_body_is_zero() -> None:
    data = bytearray(raw(METHOD_CALL, typed(NEEDED[METHOD_CALL])))
    assert data[-1] == 0 and read(bytes(data))
    data[-1] = 1
    with pytest.raises(FormatError, match="padding"):
        read(bytes(data))


def test_a_signature_that_is_no_text_is_refused() -> None:
    with pytest.raises(FormatError):
        write_message(METHOD_CALL, 1, {SIGNATURE: 7})

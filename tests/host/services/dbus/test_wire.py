"""D-Bus as bytes: what is sent can be read, and what is read is either a message or refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jeepney.low_level import Endianness, Header, HeaderFields, Message, MessageFlag, MessageType, Parser

from watchdog_oom.host.services.dbus.wire import (
    MOST_LINE_BYTES,
    MOST_MESSAGE_BYTES,
    BusSignal,
    Call,
    Failure,
    Inbox,
    Reply,
    WireError,
    encode,
    greeting,
)

CALL = Call("org.x", "/x", "org.x.I", "Do", "ss", ("a.service", "fail"))


def message(kind: MessageType, signature: str, body: tuple[Any, ...], order: Endianness = Endianness.little,
            **fields: Any) -> bytes:
    named = {HeaderFields[key]: value for key, value in fields.items()}
    header = Header(order, kind, MessageFlag(0), 1, 0, 5, {**named, HeaderFields.signature: signature})
    return bytes(Message(header, body).serialise(serial=5))


def signal(member: str) -> bytes:
    return message(MessageType.signal, "s", ("x",), member=member, path="/x", interface="org.x.I", sender=":1.2")


REPLY = message(MessageType.method_return, "a{sv}", ({"Id": ("s", "a.service"), "N": ("t", 2**64 - 1)},),
                reply_serial=9, sender=":1.2")
REFUSED = message(MessageType.error, "s", ("no\x1b",), reply_serial=9, error_name="org.x.No")


def welcomed(*signals: str) -> Inbox:
    inbox = Inbox(frozenset(signals))
    assert inbox.feed(b"OK 0123\r\n") == ()
    return inbox


def test_a_call_is_read_as_it_was_meant() -> None:
    (read,) = Parser().feed(encode(CALL, 7))
    assert read.header.serial == 7
    assert read.body == ("a.service", "fail")
    assert read.header.fields[HeaderFields.member] == "Do"
    assert read.header.message_type is MessageType.method_call


def test_a_value_that_does_not_fit_is_refused_before_it_is_sent() -> None:
    with pytest.raises(WireError, match="Do cannot be sent"):
        encode(Call("org.x", "/x", "org.x.I", "Do", "s", (7,)), 1)


def test_the_greeting_says_who_we_are_and_ends_the_talk_in_one() -> None:
    assert greeting().startswith(b"\0AUTH EXTERNAL ")
    assert greeting().endswith(b"\r\nBEGIN\r\n")


def test_answers_refusals_and_signals_are_told_apart() -> None:
    assert welcomed("Hi").feed(REPLY + REFUSED + signal("Hi") + signal("Other")) == (
        Reply(9, ({"Id": ("s", "a.service"), "N": ("t", 2**64 - 1)},), ":1.2"), Failure(9, "org.x.No", "no\x1b"),
        BusSignal("/x", "Hi", ("x",), ":1.2"))


def test_a_peer_of_the_other_order_of_bytes_is_understood() -> None:
    big = message(MessageType.method_return, "a{sv}", ({"N": ("t", 258)},), Endianness.big, reply_serial=513)
    assert welcomed().feed(big + REPLY) == (Reply(513, ({"N": ("t", 258)},)), *welcomed().feed(REPLY))


def test_a_kind_of_message_that_is_not_known_is_left_out() -> None:
    later = bytearray(REPLY)
    later[1] = 9
    assert welcomed().feed(bytes(later) + REFUSED) == (Failure(9, "org.x.No", "no\x1b"),)


def test_a_message_that_breaks_the_rules_ends_the_connection() -> None:
    spoilt = bytearray(REPLY)
    spoilt[-REPLY[::-1].index(b"a.service"[::-1])] = 0xff  # the end of that text
    with pytest.raises(WireError, match=r"^what it sends is no message$"):
        welcomed().feed(bytes(spoilt))


def test_a_call_to_us_is_left_out() -> None:
    assert welcomed().feed(encode(CALL, 1)) == ()


@given(st.lists(st.integers(1, 40), min_size=1))
def test_however_the_bytes_are_cut_the_messages_are_the_same(cuts: list[int]) -> None:
    data, inbox = b"OK 1\r\n" + REPLY + signal("Hi") + REFUSED, Inbox(frozenset({"Hi"}))
    found: list[object] = []
    while data:
        for cut in cuts:
            found += inbox.feed(data[:cut])
            data = data[cut:]
    assert [type(one) for one in found] == [Reply, BusSignal, Failure]


@pytest.mark.parametrize("line", [b"REJECTED EXTERNAL\r\n", b"\r\n", b"HTTP/1.1 400\r\n", b"x" * MOST_LINE_BYTES])
def test_whoever_does_not_welcome_us_is_left(line: bytes) -> None:
    with pytest.raises(WireError):
        Inbox().feed(line)


def test_a_message_of_unreasonable_size_is_not_waited_for() -> None:
    header = bytearray(REPLY[:16])
    header[4:8] = MOST_MESSAGE_BYTES.to_bytes(4, "little")
    with pytest.raises(WireError, match="announces a message of"):
        welcomed().feed(bytes(header))


@given(st.binary(max_size=300))
def test_garbage_is_refused_or_waited_for_and_nothing_else(data: bytes) -> None:
    inbox = welcomed("Hi")
    try:
        inbox.feed(data)
    except WireError as error:
        assert str(error).isprintable()


@given(st.integers(0, len(REPLY) - 1), st.integers(0, 255))
def test_a_message_with_one_wrong_byte_is_read_or_refused(place: int, value: int) -> None:
    spoilt = bytearray(REPLY)
    spoilt[place] = value
    try:
        welcomed("Hi").feed(bytes(spoilt))
    except WireError as error:
        assert str(error).isprintable()

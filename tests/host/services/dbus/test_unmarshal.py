"""Bytes to values: what jeepney wrote is read, whatever its order of bytes, and what is wrong is refused."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.host.services.dbus.random_values import ORDERS, SIGNATURES, bodies, judged_bytes
from watchdog_oom.host.services.dbus.marshal import DEEPEST, MOST_ARRAY_BYTES, marshal
from watchdog_oom.host.services.dbus.signature import FormatError
from watchdog_oom.host.services.dbus.unmarshal import MOST_VALUES, Unmarshaller


def read(signature: str, data: bytes, order: str = "<") -> tuple[Any, ...]:
    """All of the bytes as values."""
    cursor = Unmarshaller(data, order)
    values = cursor.read(signature)
    assert cursor.position <= len(data)
    if cursor.position < len(data):
        raise FormatError("more bytes than values")
    return values


@given(bodies(), st.sampled_from(sorted(ORDERS)))
def test_what_jeepney_wrote_is_read_in_either_order_of_bytes(body: tuple[str, tuple[Any, ...]], order: str) -> None:
    signature, values = body
    assert read(signature, judged_bytes(signature, values, order), order) == values


@given(bodies(), st.data())
def test_what_is_cut_short_is_refused(body: tuple[str, tuple[Any, ...]], data: st.DataObject) -> None:
    signature, values = body
    whole = marshal(signature, values)
    with pytest.raises(FormatError):
        read(signature, whole[:data.draw(st.integers(0, len(whole) - 1))])


@given(bodies(one_form=True), st.data())
def test_a_wrong_byte_is_refused_or_makes_another_value_that_has_just_these_bytes(
        body: tuple[str, tuple[Any, ...]], data: st.DataObject) -> None:
    signature, values = body
    spoilt = bytearray(marshal(signature, values))
    spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read(signature, bytes(spoilt))
    except FormatError:
        return
    assert marshal(signature, found) == spoilt


@given(st.binary(max_size=200), st.one_of(SIGNATURES, st.text("sovgyub(){}a", max_size=8)), st.sampled_from("<>"))
def test_garbage_is_refused_or_read_and_nothing_else(data: bytes, signature: str, order: str) -> None:
    try:
        read(signature, data, order)
    except FormatError as error:
        assert str(error).isprintable()


@pytest.mark.parametrize(("signature", "data"), [
    ("b", b"\2\0\0\0"), ("u", b"\0\0\0"), ("s", b"\1\0\0\0a"), ("s", b"\1\0\0\0ab"), ("s", b"\3\0\0\0a\0b\0"),
    ("s", b"\1\0\0\0\xff\0"), ("s", b"\3\0\0\0\xed\xa0\x80\0"), ("s", b"\xff\xff\xff\xff\0"), ("o", b"\1\0\0\0a\0"),
    ("o", b"\0\0\0\0\0"), ("g", b"\1a\0"), ("g", b"\1s"), ("yu", b"\1\1\0\0\1\0\0\0"), ("yu", b"\1\0\0\1\1\0\0\0"),
    ("v", b"\0\0"), ("v", b"\2yy\0\1"), ("v", b"\1a\0"), ("v", b"\1{\0"), ("ay", b"\4\0\0\0abc"),
    ("ay", b"\xff\xff\xff\xff"), ("au", b"\5\0\0\0\1\0\0\0\2\0\0\0"), ("ax", b"\0\0\0\0\1\0\0\0"),
    ("a(yu)", b"\4\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0")])
def test_what_the_specification_does_not_allow_is_refused(signature: str, data: bytes) -> None:
    with pytest.raises(FormatError):
        read(signature, data)


def test_variants_in_each_other_are_read_as_deep_as_the_specification_allows_and_no_deeper() -> None:
    value, most = read("v", b"\1v\0" * (DEEPEST - 1) + b"\1y\0\7")[0], 0
    while isinstance(value, tuple):
        value, most = value[1], most + 1
    assert (value, most) == (7, DEEPEST)
    with pytest.raises(FormatError, match="deep"):
        read("v", b"\1v\0" * DEEPEST + b"\1y\0\7")
    with pytest.raises(FormatError, match="deep"):
        read("v", b"\1v\0" * 100_000)


def test_an_array_longer_than_the_specification_allows_is_refused_though_it_is_there() -> None:
    assert len(read("ay", struct.pack("<I", MOST_ARRAY_BYTES) + bytes(MOST_ARRAY_BYTES))[0]) == MOST_ARRAY_BYTES
    with pytest.raises(FormatError):
        read("ay", struct.pack("<I", MOST_ARRAY_BYTES + 1) + bytes(MOST_ARRAY_BYTES + 1))


def test_small_values_by_the_million_are_not_made() -> None:
    most = MOST_VALUES - 1  # the array is one, too
    assert len(read("aau", struct.pack("<I", 4 * most) + bytes(4 * most))[0]) == most
    with pytest.raises(FormatError, match="many"):
        read("aau", struct.pack("<I", 4 << 20) + bytes(4 << 20))

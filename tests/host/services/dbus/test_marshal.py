"""Values to bytes: the bytes of jeepney, and a refusal of what does not fit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tests.host.services.dbus.random_values import bodies, judged_bytes, judged_values
from watchdog_oom.host.services.dbus.marshal import DEEPEST, MOST_ARRAY_BYTES, marshal
from watchdog_oom.host.services.dbus.signature import FormatError


def nested(times: int) -> Any:
    """A byte in so many variants."""
    value: Any = ("y", 7)
    for _ in range(times - 1):
        value = ("v", value)
    return value


@given(bodies())
def test_the_bytes_are_those_of_jeepney(body: tuple[str, tuple[Any, ...]]) -> None:
    signature, values = body
    assert marshal(signature, values) == judged_bytes(signature, values)
    assert judged_values(signature, marshal(signature, values)) == values


@pytest.mark.parametrize(("signature", "value"), [
    ("y", 256), ("y", -1), ("n", 2**15), ("q", -1), ("i", 2**31), ("u", 2**32), ("x", 2**63), ("t", 2**64), ("u", 1.5),
    ("u", "1"), ("u", None), ("u", True), ("b", 1), ("b", "yes"), ("d", "1"), ("d", 10**400), ("s", 7), ("s", b"x"),
    ("s", "a\0b"), ("s", "\udc80"), ("o", "a"), ("o", "/a/"), ("g", "a"), ("g", "é"), ("v", 7), ("v", ("s",)),
    ("v", ("ss", "x")), ("v", ("", "x")), ("v", ("s", 7)), ("v", (7, 7)), ("as", "abc"), ("as", ("a",)), ("as", [7]),
    ("ay", "abc"), ("a{sv}", [("a", ("s", "b"))]), ("a{sv}", {"a": "b"}), ("a(s)", {"a": "b"}), ("(ss)", ("a",)),
    ("(s)", ["a"]), ("(s)", "a"), ("ss", "x"), ("", "x"), ("a", [])])
def test_a_value_that_does_not_fit_its_type_is_refused(signature: str, value: object) -> None:
    with pytest.raises(FormatError):
        marshal(signature, (value,))


def test_variants_in_each_other_are_as_deep_as_the_specification_allows_and_no_deeper() -> None:
    assert marshal("v", (nested(DEEPEST),)) == judged_bytes("v", (nested(DEEPEST),))
    with pytest.raises(FormatError, match="deep"):
        marshal("v", (nested(DEEPEST + 1),))


def test_an_array_is_as_long_as_the_specification_allows_and_no_longer() -> None:
    assert len(marshal("ay", (bytes(MOST_ARRAY_BYTES),))) == 4 + MOST_ARRAY_BYTES
    with pytest.raises(FormatError, match="too long"):
        marshal("ay", (bytes(MOST_ARRAY_BYTES + 1),))

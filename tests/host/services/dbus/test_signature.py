"""Signatures: what is a type and what is not, and how deep types may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jeepney.low_level import parse_signature

from tests.host.services.dbus.random_values import Typed, types
from watchdog_oom.host.services.dbus.signature import BASIC, FormatError, Kind, is_object_path, types_of


def written(kind: Kind) -> str:
    code, parts = kind
    inner = "".join(written(part) for part in parts)
    return code + inner + {"(": ")", "{": "}"}.get(code, "")


@given(st.lists(types(), max_size=4))
def test_a_signature_is_its_types_one_after_the_other(some: list[Typed]) -> None:
    signatures = [signature for signature, _ in some]
    assert [written(kind) for kind in types_of("".join(signatures))] == signatures


@given(st.text("".join(sorted(BASIC)) + "va(){}", max_size=12))
def test_what_is_taken_for_a_signature_is_one_for_jeepney_as_well(signature: str) -> None:
    try:
        kinds = types_of(signature)
    except FormatError:
        return
    parse_signature(list(f"({signature})"))
    assert "".join(written(kind) for kind in kinds) == signature


@pytest.mark.parametrize("signature", [
    "a", "aa", "(", ")", "()", "(s", "s)", "{sv}", "a{", "a{s}", "a{svv}", "a{vs}", "a{(s)v}", "a{sv", "({sv})", "z",
    "s ", "r", "e", "m", "\0", "é", "a{sv)"])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    with pytest.raises(FormatError):
        types_of(signature)


@pytest.mark.parametrize(("most", "more"), [
    ("y" * 255, "y" * 256), ("a" * 32 + "y", "a" * 33 + "y"), ("(" * 32 + "y" + ")" * 32, "(" * 33 + "y" + ")" * 33),
    ("a(" * 32 + "y" + ")" * 32, "a(" * 32 + "ay" + ")" * 32),
    ("a{y" * 32 + "y" + "}" * 32, "a{y" * 33 + "y" + "}" * 33)])
def test_a_signature_is_as_long_and_as_deep_as_the_specification_allows_and_no_more(most: str, more: str) -> None:
    assert "".join(written(kind) for kind in types_of(most)) == most
    with pytest.raises(FormatError):
        types_of(more)


def test_object_paths_are_told_from_other_texts() -> None:
    assert all(is_object_path(text) for text in ("/", "/a", "/org/x_1/_2e"))
    assert not any(is_object_path(text) for text in ("", "a", "//", "/a/", "/a//b", "/a-b", "/é", "/a\n", "/a b", " /"))

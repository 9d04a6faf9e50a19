"""Random D-Bus types with values that fit them, and what jeepney makes of both: the judge of our own format."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from jeepney.low_level import Endianness, parse_signature

Typed = tuple[str, st.SearchStrategy[Any]]  # a signature, and the values of it
ORDERS = {"<": Endianness.little, ">": Endianness.big}
TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8)
PATHS = st.lists(st.text("azAZ09_", min_size=1, max_size=4), max_size=3).map(lambda parts: "/" + "/".join(parts))
SIGNATURES = st.sampled_from(["", "s", "a{sv}", "(ayv)", "aaa(xt)", "a{y(dh)}", "b" * 255])
NUMBERS: list[Typed] = [
    ("y", st.integers(0, 2**8 - 1)), ("b", st.booleans()), ("n", st.integers(-2**15, 2**15 - 1)),
    ("q", st.integers(0, 2**16 - 1)), ("i", st.integers(-2**31, 2**31 - 1)), ("u", st.integers(0, 2**32 - 1)),
    ("x", st.integers(-2**63, 2**63 - 1)), ("t", st.integers(0, 2**64 - 1)), ("h", st.integers(0, 2**31 - 1))]
BASIC: list[Typed] = [*NUMBERS, ("d", st.floats(allow_nan=False)), ("s", TEXTS), ("o", PATHS), ("g", SIGNATURES)]


def array_of(element: Typed) -> Typed:
    signature, values = element
    return "a" + signature, st.binary(max_size=9) if signature == "y" else st.lists(values, max_size=3)


def struct_of(fields: list[Typed]) -> Typed:
    return f"({''.join(signature for signature, _ in fields)})", st.tuples(*(values for _, values in fields))


def dict_of(pair: tuple[Typed, Typed]) -> Typed:
    (key, keys), (value, values) = pair
    return f"a{{{key}{value}}}", st.dictionaries(keys, values, max_size=3)


def types(*, one_form: bool = False) -> st.SearchStrategy[Typed]:
    """Single types; ``one_form``: only those whose every value has just one form as bytes, and is equal to itself."""
    leaves = [one for one in BASIC if one[0] != "d"] if one_form else [*BASIC, ("v", st.deferred(lambda: VARIANTS))]
    return st.recursive(st.sampled_from(leaves), lambda inner: st.one_of(
        inner.map(array_of), st.lists(inner, min_size=1, max_size=3).map(struct_of),
        *([] if one_form else [st.tuples(st.sampled_from(BASIC), inner).map(dict_of)])), max_leaves=6)


VARIANTS: st.SearchStrategy[tuple[str, Any]] = types().flatmap(lambda one: st.tuples(st.just(one[0]), one[1]))


def bodies(*, one_form: bool = False) -> st.SearchStrategy[tuple[str, tuple[Any, ...]]]:
    """Signatures with the values of a message's body."""
    return st.lists(types(one_form=one_form), min_size=1, max_size=3).map(struct_of).flatmap(
        lambda one: st.tuples(st.just(one[0][1:-1]), one[1]))


class Descriptors(list[int]):
    """Descriptors that jeepney numbers: each is its own number."""

    def append(self, number: int) -> None:
        self[:] = [number]

    def __len__(self) -> int:
        return self[0] + 1


def judged_bytes(signature: str, values: tuple[Any, ...], order: str = "<") -> bytes:
    """What jeepney makes of the values."""
    kind = parse_signature(list(f"({signature})"))
    return bytes(kind.serialise(values, 0, ORDERS[order], fds=Descriptors()))


def judged_values(signature: str, data: bytes, order: str = "<") -> tuple[Any, ...]:
    """What jeepney reads."""
    kind = parse_signature(list(f"({signature})"))
    values, end = kind.parse_data(data, 0, ORDERS[order], fds=range(2**32))
    assert end == len(data)
    return tuple(values)

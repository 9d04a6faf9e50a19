"""Records behave as the standard dataclasses do, in everything the daemon uses of them."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom import lean_dataclasses

Make = Callable[..., Any]
LEAN, STANDARD = lean_dataclasses.dataclass, dataclasses.dataclass
BOTH: list[tuple[Make, Any]] = [(LEAN, lean_dataclasses), (STANDARD, dataclasses)]


def make(dataclass: Make, module: Any, **options: bool) -> Any:
    @dataclass(slots=True, **options)
    class Thing:
        """A thing."""

        a: int
        b: str = "b"
        c: tuple[int, ...] = ()
        d: dict[str, int] = module.field(default_factory=dict)

        @property
        def double(self) -> int:
            return self.a * 2

    return Thing


def make_small(dataclass: Make, **options: bool) -> Any:
    @dataclass(slots=True, **options)
    class Small:
        a: int

    return Small


values = st.tuples(st.integers(0, 2), st.sampled_from("xyz"), st.sampled_from([(), (1,), (1, 2)]))


@given(values, values)
def test_equality_hash_and_order_are_those_of_the_standard(first: Any, second: Any) -> None:
    answers = []
    for dataclass, _ in BOTH:
        @dataclass(frozen=True, slots=True, order=True)
        class Key:
            a: int
            b: str
            c: tuple[int, ...]

        one: Any = Key(*first)
        other: Any = Key(*second)
        answers.append((one == other, one != other, hash(one) == hash(other), one < other, one <= other, one > other,
                        one >= other, repr(one), one == first, hash(one)))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("options", [{}, {"frozen": True}, {"frozen": True, "order": True}])
def test_making_showing_and_replacing_are_those_of_the_standard(options: dict[str, bool]) -> None:
    told = []
    for dataclass, module in BOTH:
        kind = make(dataclass, module, **options)
        thing = kind(1, c=(3,))
        told.append((repr(thing), repr(module.replace(thing, b="z")), repr(dataclasses.replace(thing, a=7)),
                     dataclasses.asdict(thing), [field.name for field in dataclasses.fields(thing)],
                     [field.default for field in dataclasses.fields(kind)], thing.double, kind.__doc__,
                     kind.__match_args__, kind.__slots__, list(inspect.signature(kind).parameters),
                     repr(make_small(dataclass, **options)(1)), thing.d is not kind(1).d))
    assert told[0] == told[1]


@pytest.mark.parametrize(("dataclass", "module"), BOTH)
def test_a_frozen_record_cannot_be_changed_and_a_plain_one_is_no_key(dataclass: Make, module: Any) -> None:
    frozen, plain = make(dataclass, module, frozen=True)(1), make(dataclass, module)(1)
    with pytest.raises(AttributeError, match="cannot assign to field 'a'"):
        frozen.a = 2
    with pytest.raises(AttributeError, match="cannot delete field 'a'"):
        del frozen.a
    plain.a = 2
    assert plain.a == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(plain)
    with pytest.raises(AttributeError):
        plain.unheard_of = 1


@pytest.mark.parametrize(("dataclass", "module"), BOTH)
def test_wrong_arguments_are_refused(dataclass: Make, module: Any) -> None:
    kind = make(dataclass, module, frozen=True)
    for arguments, keywords in (((), {}), ((1, 2, 3, 4, 5), {}), ((1,), {"e": 1})):
        with pytest.raises(TypeError):
            kind(*arguments, **keywords)
    with pytest.raises(TypeError):
        module.replace(kind(1), a=2, e=1)


@pytest.mark.parametrize(("dataclass", "module"), BOTH)
def test_what_is_worked_out_afterwards_is_worked_out_again_by_replace(dataclass: Make, module: Any) -> None:
    @dataclass(frozen=True, slots=True)
    class Sum:
        a: int
        b: int = 2
        total: int = module.field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "total", self.a + self.b)

    assert repr(module.replace(Sum(1), a=5)).endswith("Sum(a=5, b=2, total=7)")
    with pytest.raises((TypeError, ValueError)):
        module.replace(Sum(1), unheard_of=1)
    with pytest.raises(TypeError):
        Sum(1, 2, 3)


@pytest.mark.parametrize(("dataclass", "module"), BOTH)
def test_records_of_two_classes_are_never_equal_and_match_by_position(dataclass: Make, module: Any) -> None:
    one, other = make_small(dataclass, frozen=True), make_small(dataclass, frozen=True)
    assert one(1) != other(1)
    match one(4):
        case one(a):
            assert a == 4
        case _:
            pytest.fail("it was not recognized by position")


def test_a_record_without_slots_is_refused() -> None:
    with pytest.raises(TypeError, match="slotted"):
        lean_dataclasses.dataclass(slots=False)


def test_records_import_neither_dataclasses_nor_inspect() -> None:
    code = ("import sys; from watchdog_oom.core.model import Process, ProcessId; Process(ProcessId(1, 2), 1, 'x'); "
            "sys.exit(', '.join(sorted(sys.modules.keys() & {'dataclasses', 'inspect', 'ast', 'dis'})) or None)")
    subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"], check=True)

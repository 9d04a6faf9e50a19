"""The stand-ins for names of typing: what runs behaves as with the standard ones."""

from __future__ import annotations

import subprocess
import sys
import typing
from collections.abc import Callable

import pytest

from watchdog_oom import lean_typing


def test_it_has_every_name_it_offers_and_each_is_one_of_typing() -> None:
    for name in lean_typing.__all__:
        assert hasattr(lean_typing, name)
        assert hasattr(typing, name)


def test_a_class_may_name_a_protocol_or_a_generic_as_its_base() -> None:
    key = lean_typing.TypeVar("key")

    class Shape(lean_typing.Protocol):
        def area(self) -> float: ...

    class Box(lean_typing.Generic[key]):
        def __init__(self, held: key) -> None:
            self.held = held

    class Square(Shape):
        def area(self) -> float:
            return 4.0

    assert Square().area() == 4.0
    assert Box[int](3).held == 3


def test_an_alias_may_be_made_of_any() -> None:
    assert Callable[..., lean_typing.Any] is not None


def test_a_forgotten_case_is_an_error_that_names_the_value() -> None:
    with pytest.raises(AssertionError, match="'new case'"):
        lean_typing.assert_never("new case")  # type: ignore[arg-type]


def test_it_does_not_import_typing() -> None:
    code = "import sys, watchdog_oom.lean_typing; print('typing' in sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
                          capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

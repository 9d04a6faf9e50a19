"""How much of what must always hold is tried: all of it in the slow run, some of it in the fast one."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from _pytest.mark import ParameterSet
from hypothesis import settings


def at_most(count: int) -> int:
    """``count`` examples of a property, or what the profile of this run gives every property, whichever is less."""
    return min(count, settings().max_examples)


def every(moments: range, nth: int) -> list[ParameterSet]:
    """For a test that goes through all these moments: the fast one begins at the first and goes on by ``nth``."""
    return [pytest.param(moments[::nth], id="some"), pytest.param(moments, marks=pytest.mark.slow, id="all")]


def pairs(first: Collection[str], second: Collection[str]) -> list[ParameterSet]:
    """Each with each; in the fast run all of the larger collection, with one of the smaller in turn."""
    less = min(len(first), len(second))
    return [pytest.param(one, other, id=f"{one}-{other}", marks=pytest.mark.slow if (number - count) % less else ())
            for number, one in enumerate(first) for count, other in enumerate(second)]

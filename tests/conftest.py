"""What holds for all tests: a property is about what is true, not about how busy the machine is that finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.miniature.groups import RealGroup

# `make test-slow` asks for the other one: --hypothesis-profile thorough.
settings.register_profile("fast", max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("fast"), max_examples=150)
settings.load_profile("fast")


@pytest.fixture
def real_group() -> Iterator[Callable[[str], RealGroup]]:
    made: list[RealGroup] = []

    def make(path: str) -> RealGroup:
        made.append(RealGroup(path))
        return made[-1]

    yield make
    for group in reversed(made):
        group.remove()

"""[limit.NAME] as the rules read it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from watchdog_oom.lean_dataclasses import dataclass

if TYPE_CHECKING:
    from watchdog_oom.policy.types import Size


class First(StrEnum):
    """Who of a group has the consequence first."""

    OLDEST = "oldest"
    NEWEST = "newest"


class Then(StrEnum):
    KILL = "kill"
    FREEZE = "freeze"
    CONTAIN = "contain"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Limit:
    """[limit.NAME]: any limit that is exceeded for ``for_seconds`` has its consequence, pressure or not.

    ``memory_high`` and ``memory_max`` are for ``then = "contain"``: the bounds of the unit, see ``contained_at``."""

    name: str
    process: str
    rss: Size | None = None
    swap: Size | None = None
    runtime_seconds: float | None = None
    total_rss: Size | None = None
    count: int | None = None
    first: First = First.OLDEST
    for_seconds: float = 0.0
    grace_seconds: float = 10.0
    then: Then = Then.KILL
    memory_high: Size | None = None
    memory_max: Size | None = None

    @property
    def contained_at(self) -> Size | None:
        """The MemoryHigh of a contained unit: the given one, else what the group, else what one process may hold."""
        return self.memory_high or self.total_rss or self.rss

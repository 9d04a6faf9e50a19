"""The interface of a condition: what it may read, and the finding with evidence in words that it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from watchdog_oom.core.form import Form
from watchdog_oom.core.model import KernelKill, Process, Snapshot
from watchdog_oom.core.nouns import ProcessNoun, Size
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Finding:
    """What a condition found: whether it holds, and the measurement in words, for output and for "why not".

    ``known`` is false if the reading is missing: such a finding neither triggers nor resets anything (Law 10).
    """

    holds: bool
    words: str
    known: bool = True


class SnapshotView(Protocol):
    """What a condition may read: one snapshot seen through one policy. Implemented by ``core/view.py``."""

    @property
    def snapshot(self) -> Snapshot: ...

    @property
    def kernel_kills(self) -> tuple[KernelKill, ...]:
        """The kernel's kills reported to this rule, including earlier ones that it could not act on immediately."""

    @property
    def now(self) -> float:
        """The snapshot's time, in seconds of CLOCK_BOOTTIME."""

    def noun(self, name: str) -> ProcessNoun:
        """The policy's process noun of that name."""

    def matching(self, noun_name: str) -> tuple[Process, ...]:
        """The live processes that the noun selects, oldest first."""

    def undecided(self, noun_name: str) -> bool:
        """Whether some process may match, which depends on something that is not known of it yet."""

    def matches(self, noun: ProcessNoun, process: Process) -> bool:
        """Whether every key of the noun holds for the process."""


class Condition(Protocol):
    """One compiled condition: frozen, equal by value, without a clock of its own."""

    def find(self, view: SnapshotView) -> Finding: ...


@dataclass(frozen=True, slots=True)
class Family:
    """Keys that belong together. ``subject`` is the key that names the noun; ``build`` gets the clause's values for the
    family's keys, subject included, checked and converted by Form (a duration in seconds, a size as Size)."""

    keys: Mapping[str, Form]
    build: Callable[[Mapping[str, Any]], Condition]
    subject: str | None = None


def verdict(findings: Iterable[Finding]) -> bool | None:
    """Whether all findings hold; ``None`` if a reading is missing and no other finding decides."""
    answers = {finding.holds if finding.known else None for finding in findings}
    return False if False in answers else None if None in answers else True


def threshold_bytes(view: SnapshotView, size: Size) -> float | None:
    """The size in bytes; a percentage is of all RAM, and ``None`` if memory could not be read."""
    memory = view.snapshot.memory
    if memory is None and size.percent is not None:
        return None
    return size.of(memory.total_bytes if memory is not None else 0)

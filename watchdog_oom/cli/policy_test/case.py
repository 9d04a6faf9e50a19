"""A case as it was written: what is given of a host, and what is expected of the policy there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchdog_oom.lean_dataclasses import dataclass, field
from watchdog_oom.policy.lines import Path


@dataclass(frozen=True, slots=True)
class Given:
    """One table of a case: where it stands, and its checked values by key, in plain units (bytes, seconds)."""

    path: Path
    values: Mapping[str, Any]

    def get(self, key: str, otherwise: Any = None) -> Any:
        return self.values.get(key, otherwise)

    def size(self, key: str, otherwise: float, total: int) -> int:
        """Bytes or a number of things, of which a percentage is of ``total``; ``otherwise`` is a percentage."""
        kind, amount = self.values.get(key, ("percent", otherwise))
        return int(total * amount / 100) if kind == "percent" else int(amount)


@dataclass(frozen=True, slots=True)
class Case:
    """``line`` is that of its header in ``file``; ``policies`` are paths as they can be opened."""

    file: str
    line: int
    path: Path
    name: str
    policies: tuple[str, ...]
    after_seconds: float = 0.0
    expect: tuple[str, ...] = ()
    refuse: tuple[str, ...] = ()
    host: Given = Given((), {})
    processes: tuple[Given, ...] = ()
    kernel_kills: tuple[Given, ...] = ()
    spools: Mapping[str, Given] = field(default_factory=dict)
    services: Mapping[str, Given] = field(default_factory=dict)

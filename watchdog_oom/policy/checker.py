"""The interface through which the rules of single tables use the checker of the whole file."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.lean_typing import Any, Protocol
from watchdog_oom.policy.lines import Path
from watchdog_oom.policy.schema import Keys


class Checker(Protocol):
    """Collects the faults of one file; implemented by ``policy/check.py``."""

    def fault(self, path: Path, what: str, at: Path | None = None) -> None:
        """Record a fault of the table or key at ``path``; ``at`` is the path that gives its line, if another."""

    def warn(self, path: Path, what: str) -> None:
        """Record a warning about what is valid at ``path`` but probably a mistake."""

    def keys(self, path: Path, table: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
        """The valid values of the table; unknown, wrong and missing keys are recorded as faults."""


class Rule(Protocol):
    """How the keys of one kind of table must fit together: ``table`` as written, ``values`` as far as valid."""

    def __call__(self, check: Checker, path: Path, table: Mapping[str, Any], values: Mapping[str, Any]) -> None: ...

"""What the rules of single tables may ask of whoever checks the whole file, so that they need not know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from watchdog_oom.policy.lines import Path
from watchdog_oom.policy.schema import Keys


class Checker(Protocol):
    """Collects what is wrong in one file; ``policy/check.py`` is one."""

    def fault(self, path: Path, what: str, at: Path | None = None) -> None:
        """Note what is wrong with the table or key at ``path``; ``at`` gives its line where that is elsewhere."""

    def warn(self, path: Path, what: str) -> None:
        """Note what is valid and yet hardly meant at ``path``."""

    def keys(self, path: Path, table: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
        """The values of the table that are right; faults for unknown, wrong and missing ones."""


class Rule(Protocol):
    """What the keys of one kind of table must be together: ``table`` as written, ``values`` as far as it was right."""

    def __call__(self, check: Checker, path: Path, table: Mapping[str, Any], values: Mapping[str, Any]) -> None: ...

"""What a warning is: the path of the table and key it is about, and what is probably wrong there."""

from __future__ import annotations

from typing import TypeAlias

from watchdog_oom.policy.lines import Path

Warned: TypeAlias = tuple[Path, str]

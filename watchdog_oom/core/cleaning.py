"""What is remembered of a [clean.NAME] from one tick to the next, and over a restart of the daemon when it is due."""

from __future__ import annotations

from watchdog_oom.lean_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is remembered of one [clean.NAME]: when it is due next; while it runs the intent, the spool, since when, and
    whether somebody asked for it; how the last run came out, and when."""

    due: float
    intent_id: str = ""
    spool: str = ""
    began: float = 0.0
    asked: bool = False
    last_result: str = ""
    last_ended: float | None = None

    @property
    def runs(self) -> bool:
        return bool(self.intent_id)

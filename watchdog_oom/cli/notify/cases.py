"""What people are told of, one value a matter: an incident, what a rule ended outside of one, an alarm, a digest. Pure.

All texts in a case have been made safe to print and short; nothing of them is code, a header or an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from watchdog_oom.formatting import printable

LONGEST_WORDS = 300
MOST_REASONS = 10
MOST_STEPS = 30
LONGEST_DIGEST = 64_000


class CaseKind(StrEnum):
    """What a case is about: it decides whether an end is waited for and what a target may want."""

    INCIDENT = "incident"
    ACTS = "acts"
    ALARM = "alarm"
    DIGEST = "digest"


class ToldStage(StrEnum):
    """How much of a case a target has been told; what comes later has all that came before."""

    NOTHING = ""
    OPENED = "opened"
    ESCALATED = "escalated"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class NotifyCase:
    """Times in seconds since the epoch. ``ended`` is ``None`` while an end is waited for; ``told`` has the stage by the
    name of a target; ``urgent`` passes quiet hours."""

    name: str
    kind: CaseKind
    rule: str
    opened: float
    last: float
    because: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    left_out: int = 0
    ended: float | None = None
    ok: bool | None = None
    result: str = ""
    urgent: bool = False
    text: str = ""
    told: Mapping[str, ToldStage] = field(default_factory=dict)

    def told_to(self, target: str) -> ToldStage:
        return self.told.get(target, ToldStage.NOTHING)

    def tell(self, target: str, stage: ToldStage) -> NotifyCase:
        return replace(self, told={**self.told, target: stage})

    def with_step(self, words: str) -> NotifyCase:
        """With a further step; of very many the last are kept, and how many were left out is counted."""
        steps = (*self.steps, words)
        return replace(self, steps=steps[-MOST_STEPS:], left_out=self.left_out + max(0, len(steps) - MOST_STEPS))


def words_of(value: object, longest: int = LONGEST_WORDS) -> str:
    """Text of a record, safe to print, on one line and short; empty for what is no text."""
    if not isinstance(value, str):
        return ""
    shown = printable(value[:longest])
    return shown if len(shown) <= longest and len(value) <= longest else f"{shown[:longest]}…"


def plain_of(case: NotifyCase) -> dict[str, Any]:
    """For the state file."""
    return {"name": case.name, "kind": case.kind.value, "rule": case.rule, "opened": case.opened, "last": case.last,
            "because": list(case.because), "steps": list(case.steps), "left_out": case.left_out, "ended": case.ended,
            "ok": case.ok, "result": case.result, "urgent": case.urgent, "text": case.text,
            "told": {target: stage.value for target, stage in case.told.items()}}


def case_of(plain: Mapping[str, Any]) -> NotifyCase:
    """The way back. Raises KeyError, TypeError or ValueError for what this release did not write."""
    ended = plain["ended"]
    return NotifyCase(
        str(plain["name"]), CaseKind(plain["kind"]), str(plain["rule"]), float(plain["opened"]), float(plain["last"]),
        tuple(map(str, plain["because"])), tuple(map(str, plain["steps"])), int(plain["left_out"]),
        None if ended is None else float(ended), plain["ok"] if isinstance(plain["ok"], bool) else None,
        str(plain["result"]), bool(plain["urgent"]), str(plain["text"]),
        {str(target): ToldStage(stage) for target, stage in plain["told"].items()})

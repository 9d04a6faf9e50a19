"""The outcome of an effect: one value from the actuators through the journal into the next snapshot."""

from __future__ import annotations

from watchdog_oom.lean_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """``ok`` is ``None`` where it is not known: the effect was only observed, or nobody waited for its end. ``words``
    are for people, never to be parsed; ``before`` and ``after`` are given if a value was changed."""

    ok: bool | None
    words: str
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class EffectReport:
    """The outcome of one intent: an effect that was done, or a slow one (service job, purge, run, probe) that ended
    since the last snapshot. ``took_seconds`` is ``None`` where it was done at once. ``cleared`` is how many entries a
    purge took out of its spool: 0 says that there was nothing it could do."""

    intent_id: str
    outcome: Outcome
    took_seconds: float | None
    boottime: float
    cleared: int | None = None

"""Where two policies first differ in what they do about a night, and by how long. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from watchdog_oom.recorder.act import ActKind, ReplayAct

_COMPARED = (ActKind.ACT, ActKind.OBSERVED)


@dataclass(frozen=True, slots=True)
class Difference:
    """``first`` is what the policy does that acts first, ``later`` what the other does about the same at that sample or
    after it, ``None`` if it never does. ``second``: the one that acts first is the second policy."""

    first: ReplayAct
    later: ReplayAct | None
    second: bool

    @property
    def by_seconds(self) -> float | None:
        return None if self.later is None else self.later.boottime - self.first.boottime


def first_difference(one: Iterable[ReplayAct], other: Iterable[ReplayAct]) -> Difference | None:
    """``None``: both do the same at the same samples, as far as they act, or would if they did not only observe."""
    ours, theirs = list(_doings(one)), list(_doings(other))
    mine, yours = _without(ours, theirs), _without(theirs, ours)
    if not mine and not yours:
        return None
    second = not mine or (bool(yours) and yours[0].wall < mine[0].wall)
    first, rest = (yours[0], mine) if second else (mine[0], yours)
    return Difference(first, next((act for act in rest if _alike(act, first)), None), second)


def _doings(acts: Iterable[ReplayAct]) -> Iterator[ReplayAct]:
    return (act for act in acts if act.kind in _COMPARED)


def _without(acts: list[ReplayAct], others: list[ReplayAct]) -> list[ReplayAct]:
    """Those that the others have not at the same sample, with the same effects."""
    known = {(act.wall, act.kind, act.words) for act in others}
    return [act for act in acts if (act.wall, act.kind, act.words) not in known]


def _alike(act: ReplayAct, other: ReplayAct) -> bool:
    """Whether both are about the same, or come of a rule of the same name."""
    return act.rule == other.rule or not set(act.subjects).isdisjoint(other.subjects)

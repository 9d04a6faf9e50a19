"""What a replay finds: one thing that a policy would do, or say, at one sample."""

from __future__ import annotations

from enum import StrEnum

from watchdog_oom.lean_dataclasses import dataclass


class ActKind(StrEnum):
    """``act``: a rule does something, for the first time in this boot; ``again``: what a rule that has acted would do
    later, as a daemon that only observes tells it; ``observed``: a rule of the policy that only observes or reports;
    ``score``: a protected process whose oom_score_adj would be set; ``news``: what the journal would say besides."""

    ACT = "act"
    AGAIN = "again"
    OBSERVED = "observed"
    SCORE = "score"
    NEWS = "news"


@dataclass(frozen=True, slots=True)
class ReplayAct:
    """``words`` are what would be done, one effect a line, and ``because`` the evidence as the journal has it.

    ``earlier_seconds``: how much earlier the daemon may have come to it, since nothing was recorded in between.
    ``apart``: something was done before, so that the recording shows another world than this policy would have made.
    ``subjects`` are the names it is about: units, spools, processes. ``assumed`` is what was not recorded, and what was
    taken instead.
    """

    kind: ActKind
    rule: str
    words: tuple[str, ...]
    because: tuple[str, ...]
    wall: float
    boottime: float
    earlier_seconds: float = 0.0
    apart: bool = False
    subjects: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

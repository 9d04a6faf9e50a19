"""Maintenance: a rule that only reports for a while, because an administrator asked for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.observe import observing
from watchdog_oom.core.policy import Policy
from watchdog_oom.lean_dataclasses import dataclass

ALL = "all"  # the name under which the pause of all rules is kept; no rule has it, since theirs have a kind
EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Pause:
    """``until`` is in seconds of CLOCK_BOOTTIME, ``until_wall`` the same in seconds since the epoch, for the next boot.
    ``by`` is who asked for it, in words; ``why`` the reason they gave, if any."""

    until: float
    until_wall: float
    by: str
    why: str = ""

    @property
    def words(self) -> str:
        return f"paused by {self.by}" + (f" because {self.why}" if self.why else "")


def pause_of(pauses: Mapping[str, Pause], rule: str) -> Pause | None:
    """The pause that a rule is under, if any. The last resort is under none but its own."""
    own = pauses.get(rule)
    return own if own is not None or rule == EMERGENCY else pauses.get(ALL)


def paused_words(pauses: Mapping[str, Pause], rule: str) -> str:
    """Who paused the rule and why, or nothing if it is not paused."""
    pause = pause_of(pauses, rule)
    return "" if pause is None else pause.words


def in_force(pauses: Mapping[str, Pause], now: float) -> dict[str, Pause]:
    return {rule: pause for rule, pause in pauses.items() if pause.until > now}


def with_pauses(policy: Policy, pauses: Mapping[str, Pause]) -> Policy:
    """The policy of a daemon that acts, but not by the paused rules."""
    return observing(policy, lambda rule: pause_of(pauses, rule) is not None) if pauses else policy

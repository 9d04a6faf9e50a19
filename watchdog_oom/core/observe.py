"""The policy of a daemon, or of rules, that only observe: the same rules, each reporting what it would do. Pure."""

from __future__ import annotations

from collections.abc import Callable

from watchdog_oom.core.policy import First, Limit, Mode, Policy, Then
from watchdog_oom.lean_dataclasses import replace


def observing(policy: Policy, concerned: Callable[[str], bool] = lambda rule: True) -> Policy:
    """``concerned`` tells of a rule, by its whole name (``limit.clamscan``), whether it only observes."""
    return replace(
        policy,
        limits={name: _observed(limit) if concerned(f"limit.{name}") else limit
                for name, limit in policy.limits.items()},
        recovers={name: replace(recover, mode=Mode.OBSERVE) if concerned(f"recover.{name}") else recover
                  for name, recover in policy.recovers.items()},
        cleans={name: replace(clean, mode=Mode.OBSERVE) if concerned(f"clean.{name}") else clean
                for name, clean in policy.cleans.items()},
        protects={name: replace(protect, oom_score_adj=None, would=protect.oom_score_adj)
                  if concerned(f"protect.{name}") else protect for name, protect in policy.protects.items()},
        emergency=replace(policy.emergency, mode=Mode.OBSERVE) if concerned("emergency") else policy.emergency)


def _observed(limit: Limit) -> Limit:
    """Of those who would wait for their turn, the newest would have to."""
    would = None if limit.then is Then.REPORT else limit.then
    return replace(limit, then=Then.REPORT, would=would, first=First.NEWEST if limit.waits else limit.first)

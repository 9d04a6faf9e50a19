"""The policy of a daemon that only observes: the same rules, each reporting what it would do. Pure."""

from __future__ import annotations

from watchdog_oom.core.policy import First, Limit, Mode, Policy, Then
from watchdog_oom.lean_dataclasses import replace


def observing(policy: Policy) -> Policy:
    return replace(
        policy,
        limits={name: _observed(limit) for name, limit in policy.limits.items()},
        recovers={name: replace(recover, mode=Mode.OBSERVE) for name, recover in policy.recovers.items()},
        cleans={name: replace(clean, mode=Mode.OBSERVE) for name, clean in policy.cleans.items()},
        protects={name: replace(protect, oom_score_adj=None, would=protect.oom_score_adj)
                  for name, protect in policy.protects.items()},
        emergency=replace(policy.emergency, mode=Mode.OBSERVE))


def _observed(limit: Limit) -> Limit:
    """Of those who would wait for their turn, the newest would have to."""
    would = None if limit.then is Then.REPORT else limit.then
    return replace(limit, then=Then.REPORT, would=would, first=First.NEWEST if limit.waits else limit.first)

"""The policy of a daemon that only observes: the same rules, each reporting what it would do. Pure."""

from __future__ import annotations

from watchdog_oom.core.policy import Mode, Policy, Then
from watchdog_oom.lean_dataclasses import replace


def observing(policy: Policy) -> Policy:
    return replace(
        policy,
        limits={name: replace(limit, then=Then.REPORT) for name, limit in policy.limits.items()},
        recovers={name: replace(recover, mode=Mode.OBSERVE) for name, recover in policy.recovers.items()},
        cleans={name: replace(clean, mode=Mode.OBSERVE) for name, clean in policy.cleans.items()},
        protects={name: replace(protect, oom_score_adj=None) for name, protect in policy.protects.items()},
        emergency=replace(policy.emergency, mode=Mode.OBSERVE))

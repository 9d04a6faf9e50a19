"""What a scan of the processes must tell beyond their stat lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchdog_oom.policy.types import Policy, ProcessNoun


@dataclass(frozen=True, slots=True)
class Want:
    """``swap`` and ``protect`` are names of nouns: whose swap is needed, and whose oom_score_adj, that of all their
    descendants included. ``under`` are the paths of the spools that nouns may name. ``everything``: an emergency is
    near, so every process is read, with its badness and oom_score_adj."""

    nouns: tuple[ProcessNoun, ...] = ()
    swap: frozenset[str] = frozenset()
    under: Mapping[str, str] = field(default_factory=dict)
    protect: frozenset[str] = frozenset()
    everything: bool = False


def want_of(policy: Policy, *, everything: bool = False) -> Want:
    """What the rules of a policy need to see."""
    nouns = tuple(policy.processes.values())
    named = {name for noun in nouns for name in noun.under}
    return Want(
        nouns=nouns,
        swap=frozenset(limit.process for limit in policy.limits.values() if limit.swap is not None),
        under={name: spool.path for name, spool in policy.spools.items() if name in named},
        protect=frozenset(protect.process for protect in policy.protects.values()),
        everything=everything)

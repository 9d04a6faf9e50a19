"""Whoever was frozen is continued as soon as no rule asks for it any more."""

from __future__ import annotations

from watchdog_oom.core.actions import Signal, SignalName
from watchdog_oom.core.tick import Turn


def thaw_rest(turn: Turn) -> None:
    """Continue the frozen that nobody asked for in this turn; to be called after all rules."""
    for identity, rule in list(turn.frozen.items()):
        if identity in turn.wanted_frozen:
            continue
        del turn.frozen[identity]
        process = turn.view.snapshot.alive(identity)
        if process is not None:
            turn.plan(Signal(identity, process.comm, SignalName.CONT), rule, ("the rule no longer holds",))

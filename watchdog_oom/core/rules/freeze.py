"""Frozen processes are continued as soon as no rule asks for the freeze any more."""

from __future__ import annotations

from watchdog_oom.core.actions import Signal, SignalName
from watchdog_oom.core.tick import Tick


def thaw_unwanted(tick: Tick) -> None:
    """Continue the frozen processes that no rule asked for in this tick; call after all rules."""
    for identity, rule in list(tick.frozen.items()):
        if identity in tick.wanted_frozen:
            continue
        del tick.frozen[identity]
        process = tick.view.snapshot.alive(identity)
        if process is not None:
            tick.plan(Signal(identity, process.comm, SignalName.CONT), rule, ("the rule no longer holds",))

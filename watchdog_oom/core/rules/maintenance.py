"""The end of pauses: a rule acts again by itself when its time is over, and that is told."""

from __future__ import annotations

from watchdog_oom.core.pause import ALL
from watchdog_oom.core.tick import Tick


def apply(tick: Tick) -> None:
    for rule, pause in tick.before.pauses.items():
        if rule not in tick.pauses:
            who = "all rules act" if rule == ALL else "it acts"
            tick.note(rule, f"the pause is over: {who} again", because=(pause.words,))

"""Services whose state cannot be known, as of an init script without ``status``: their script is taken at its word.

No later snapshot will ever show the result (Law 6), so waiting for one would only keep the service down. What was done
on its word is told as not verified; a probe can still prove that the service works.
"""

from __future__ import annotations

from watchdog_oom.core.history import RecoveryRun
from watchdog_oom.core.model import ServiceState
from watchdog_oom.core.outcome import EffectReport
from watchdog_oom.core.policy import Verb
from watchdog_oom.core.rules.recovery.progress import Context, Progress, done, failed


def at_its_word(name: str, report: EffectReport, state: ServiceState, what: str) -> Progress:
    """What its own stop or start said, once that has ended; ``what`` was asked for."""
    if report.outcome.ok:
        return done(f"{name} was {what}")
    return failed(f"{name} could not be {what}: {report.outcome.words}; its state cannot be known: {state.words}")


def not_verified(context: Context, run: RecoveryRun) -> str:
    """Of which services of the step that is done nobody knows if they are up, in words, or nothing."""
    if context.step.verb not in (Verb.STOP, Verb.START, Verb.RESTART):
        return ""
    names = dict.fromkeys((*context.step.names, *sorted(run.done)))
    states = {name: context.state(name) for name in names if name not in run.down_before}
    return ", ".join(f"the state of {name} cannot be known: {state.words}"
                     for name, state in states.items() if state is not None and not state.knowable)

"""The verb contain: units get memory bounds until the run ends; done when their states show the bounds (Law 6)."""

from __future__ import annotations

from watchdog_oom.core.guard import uncontainable
from watchdog_oom.core.history import RecoveryRun
from watchdog_oom.core.rules import containment
from watchdog_oom.core.rules.recovery.progress import WAITING, Context, Progress, done


def contain(context: Context, run: RecoveryRun) -> tuple[RecoveryRun, Progress]:
    """What cannot be contained is reported and skipped: the following steps must not wait for an optional step."""
    bounds = containment.Bounds(context.step.memory_high, context.step.memory_max)
    amounts = bounds.in_bytes(context.tick)
    if amounts is None:
        return run, WAITING
    keep(context, run)
    contained: list[str] = []
    kept: list[str] = []
    for unit, who in _units(context).items():
        reason = "it is not in a systemd unit" if unit is None else uncontainable(unit, context.tick.view)
        state = None if unit is None or reason is not None else context.state(unit)
        if reason is None and (state is None or state.sensed_boottime < run.entered):
            context.tick.watch(unit or "", often=True)
            return run, WAITING
        if state is not None and state.memory_high_bytes is None:
            reason = "the service manager reports no MemoryHigh for it"
        if reason is not None:
            kept.append(f"{unit or who}: {reason}")
        elif state is not None and (state.memory_high_bytes or 0) > amounts[0]:
            context.tick.watch(state.unit, often=True)
            return run, WAITING
        else:
            contained.append(unit or "")
    left = f"; left alone: {', '.join(kept)}" if kept else ""
    return run, done(f"contained: {', '.join(contained) or 'nothing'}{left}")


def keep(context: Context, run: RecoveryRun) -> None:
    """Ask for the containment; call at every tick for as long as the run lasts."""
    bounds = containment.Bounds(context.step.memory_high, context.step.memory_max)
    for name in context.step.names:
        for process in context.tick.view.matching(name):
            if process.facts.unit is not None:
                containment.ask(context.tick, process, bounds, context.rule, run.because, noun=name,
                               incident=run.incident)


def _units(context: Context) -> dict[str | None, str]:
    """Each unit once, with the label of one of its processes; ``None`` for processes outside all units."""
    return {process.facts.unit: process.label
            for name in context.step.names for process in context.tick.view.matching(name)}

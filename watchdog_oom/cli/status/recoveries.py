"""Of the status: the recoveries; those that run stand by themselves, step by step. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page, Part, local_time
from watchdog_oom.cli.status.attention import rest_of
from watchdog_oom.cli.status.rules import steps_of
from watchdog_oom.cli.status.seen import Seen
from watchdog_oom.cli.status.values import Plain, map_of, number_of, texts_of
from watchdog_oom.core.history import Phase

UNDER_WAY = "Under way"
_STATE_STYLES = {"armed": "green", "running": "bold yellow", "held": "bold red", "cooling down": "yellow"}


def show_running(page: Page, recoveries: Plain, seen: Seen) -> None:
    """The recoveries under way, each with all its steps and where it stands."""
    running = [name for name in recoveries if map_of(map_of(recoveries, name), "run")]
    if running:
        page.title(UNDER_WAY)
    for name in running:
        _run(page, name, map_of(map_of(recoveries, name), "run"), steps_of(seen, name))


def show_recoveries(page: Page, recoveries: Plain, now: float) -> None:
    if recoveries:
        page.title("Recoveries")
    for name, recovery in recoveries.items():
        state = str(recovery.get("state"))
        mode = "" if recovery.get("mode") == "act" else "  only observes"
        page.line((name, "bold"), "  ", (state, _STATE_STYLES.get(state, "")), rest_of(recovery, now),
                  f"  {recovery.get('attempts')}/{recovery.get('attempts_allowed')} attempts in "
                  f"{formatting.duration(number_of(recovery, 'per_seconds'))}{mode}", indent=1)
        if recovery.get("last_result"):
            page.line(f"last: {recovery['last_result']}, {local_time(number_of(recovery, 'last_ended'), now)}",
                      indent=2)
        if texts_of(recovery, "owed"):
            page.line((f"still down, to be started: {', '.join(texts_of(recovery, 'owed'))}", "bold red"), indent=2)


def _run(page: Page, name: str, run: Plain, steps: Sequence[str]) -> None:
    listed = len(steps) == number_of(run, "steps")  # a policy that has changed meanwhile has other steps
    words = "" if listed else f": {run.get('step')}"
    step = f"step {run.get('step_number')} of {run.get('steps')}{words}" if run.get("step") else ""
    page.line((f"recover.{name}", "bold"), "  ",
              (f"{run.get('phase')} for {formatting.duration(number_of(run, 'for_seconds'))}", "yellow"), "  ", step,
              (f"  [{run.get('incident')}]", "dim"), indent=1)
    for reason in texts_of(run, "because"):
        page.line(("because ", "dim"), reason, indent=2)
    if listed:
        _steps(page, run, steps)
    probing = map_of(run, "probing")
    if probing:
        last = f", the last answer: {probing['last']}" if probing.get("last") else ""
        page.line(f"probing {probing.get('service')} for {formatting.duration(number_of(probing, 'for_seconds'))}, "
                  f"asked {formatting.count(int(number_of(probing, 'tries')), 'time')}{last}", indent=2)
    if texts_of(run, "stopped"):
        page.line(f"stopped, to be started again: {', '.join(texts_of(run, 'stopped'))}", indent=2)
    if run.get("failure"):
        page.line((f"failed: {run['failure']}", "red"), indent=2)


def _steps(page: Page, run: Plain, steps: Sequence[str]) -> None:
    """Those before the present one are done."""
    current = int(number_of(run, "step_number"))
    for number, step in enumerate(steps, 1):
        mark: Part = ("  -   ", "dim")
        if number < current:
            mark = ("done  ", "green")
        elif number == current and run.get("failure"):
            mark = ("FAILED", "bold red")
        elif number == current and run.get("phase") == Phase.STEPS:
            mark = ("now   ", "bold yellow")
        page.line(mark, f" {number}. {step}", indent=2)

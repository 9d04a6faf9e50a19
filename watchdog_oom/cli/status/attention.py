"""What of the status needs somebody's attention now: it stands first, and a small window shows it before all else."""

from __future__ import annotations

from collections.abc import Iterable

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page, local_time
from watchdog_oom.cli.status.hooks import hooks_that_fail
from watchdog_oom.cli.status.notifier import notify_troubles
from watchdog_oom.cli.status.values import Plain, map_of, maps_of, number_of, texts_of

ATTENTION = "Needs attention"


def show_attention(page: Page, status: Plain, now: float) -> None:
    """What is wrong or under way now, each in a line; the sections below have the rest."""
    wrong = [*_paused(status, now), *_of_recoveries(map_of(status, "recoveries"), now),
             *(f"spool {name}: {spool['problem']}" for name, spool in map_of(status, "spools").items()
               if spool.get("problem")),
             *(f"{name}: {service.get('unit')} is {service.get('status')}"
               for name, service in map_of(status, "services").items()
               if service.get("status") in ("failed", "missing")),
             *(f"{one.get('name')}[{one.get('pid')}] cannot be killed  [{one.get('rule')}]"
               for one in maps_of(status, "ending") if one.get("stage") == "unkillable"),
             *hooks_that_fail(map_of(status, "hooks")), *notify_troubles(map_of(status, "notify"), now),
             *texts_of(map_of(status, "health"), "troubles")]
    if status.get("emergency"):
        wrong.insert(0, f"an emergency is under way ({status['emergency']})")
    if wrong:
        page.title(ATTENTION)
    for words in wrong:
        page.line((words, "bold red"), indent=1)


def _paused(status: Plain, now: float) -> Iterable[str]:
    """What an administrator paused: until when, who, and why. Of two names of the key the daemon writes one."""
    for pause in (*maps_of(status, "pauses"), *maps_of(status, "paused")):
        rule = str(pause.get("rule"))
        until = f" until {local_time(number_of(pause, 'until'), now)}" if pause.get("until") else ""
        by = f" by {pause['by']}" if pause.get("by") else ""
        why = f": {pause['why']}" if pause.get("why") else ""
        yield f"{'every rule' if rule == 'all' else rule} is PAUSED{until}{by}{why}"


def _of_recoveries(recoveries: Plain, now: float) -> Iterable[str]:
    for name, recovery in recoveries.items():
        if recovery.get("state") == "held":
            yield f"recover.{name} is held{rest_of(recovery, now)}"
        if map_of(recovery, "run"):
            run = map_of(recovery, "run")
            step = f", step {run.get('step_number')} of {run.get('steps')}" if run.get("step") else ""
            yield f"recover.{name} runs ({run.get('phase')}{step})"
        if texts_of(recovery, "owed"):
            yield f"still down, to be started by recover.{name}: {', '.join(texts_of(recovery, 'owed'))}"


def rest_of(recovery: Plain, now: float) -> str:
    held_until, resting = recovery.get("held_until"), number_of(recovery, "cooldown_seconds")
    if held_until is not None:
        return f" until {local_time(float(held_until), now)}: needs attention"
    return f" for another {formatting.duration(resting)}" if resting else ""

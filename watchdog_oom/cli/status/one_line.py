"""``status --check``: one line for Nagios, Icinga and their kin: a state, what is wrong, and figures behind a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from watchdog_oom.cli.daemon_status import StatusFile
from watchdog_oom.cli.output import local_time, safe
from watchdog_oom.cli.status.attention import rest_of
from watchdog_oom.cli.status.hooks import hooks_that_fail
from watchdog_oom.cli.status.page import STALE_SECONDS
from watchdog_oom.cli.status.values import Plain, map_of, maps_of, number_of, texts_of
from watchdog_oom.errors import NotRunningError, WatchdogError
from watchdog_oom.formatting import count, duration

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3  # https://nagios-plugins.org/doc/guidelines.html
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


def check_line(read: Callable[[], StatusFile], now: float) -> tuple[int, str]:
    """The exit status and the line. What cannot be found out is UNKNOWN; a daemon that does not run is CRITICAL."""
    try:
        status = read().status
    except NotRunningError as error:
        return CRITICAL, _line(CRITICAL, [_first_line(error)], "")
    except (WatchdogError, OSError) as error:
        return UNKNOWN, _line(UNKNOWN, [_first_line(error)], "")
    critical, warning = list(_critical(status, now)), list(_warnings(status, now))
    state = CRITICAL if critical else WARNING if warning else OK
    return state, _line(state, [*critical, *warning] or [_calm(status)], _figures(status))


def _critical(status: Plain, now: float) -> Iterable[str]:
    """What somebody has to get up for."""
    age = now - number_of(status, "written")
    if age > STALE_SECONDS:
        yield f"the daemon hangs or starves: its status is {duration(age)} old"
    if status.get("memory_problem"):
        yield f"memory cannot be judged: {status['memory_problem']}"
    if status.get("emergency"):
        yield "an emergency is under way"
    for name, recovery in map_of(status, "recoveries").items():
        if recovery.get("state") == "held":
            yield f"recover.{name} is held{rest_of(recovery, now)}"
        if texts_of(recovery, "owed"):
            yield f"still down: {', '.join(texts_of(recovery, 'owed'))} (recover.{name})"
    stuck = [one for one in maps_of(status, "ending") if one.get("stage") == "unkillable"]
    if stuck:
        yield f"{'1 process' if len(stuck) == 1 else f'{len(stuck)} processes'} cannot be killed"


def _warnings(status: Plain, now: float) -> Iterable[str]:
    """What can wait until the morning."""
    policy, health, recorder = (map_of(status, key) for key in ("policy", "health", "recorder"))
    if policy.get("stale"):
        yield f"the policy files are broken ({count(len(texts_of(policy, 'faults')), 'fault')})"
    for pause in maps_of(status, "pauses"):
        yield f"{pause.get('rule')} is paused until {local_time(number_of(pause, 'until'), now)}"
    for name, service in map_of(status, "services").items():
        if service.get("status") in ("failed", "missing"):
            yield f"service {name} is {service['status']}"
    for name, spool in map_of(status, "spools").items():
        if spool.get("problem"):
            yield f"spool {name}: {spool['problem']}"
    yield from hooks_that_fail(map_of(status, "hooks"))
    if number_of(health, "journal_dropped"):
        yield f"the journal lost {count(int(number_of(health, 'journal_dropped')), 'record')}"
    if recorder.get("state") == "stopped" or recorder.get("problem"):
        yield f"flight recorder: {recorder.get('problem') or 'stopped'}"
    yield from texts_of(health, "troubles")


def _calm(status: Plain) -> str:
    rules = map_of(status, "rules")
    number = sum(len(texts_of(rules, kind)) for kind in ("protect", "limit", "recover", "clean"))
    only = ", which only observes," if status.get("observe") else ""
    return f"the daemon{only} runs with {count(number, 'rule')}"


def _figures(status: Plain) -> str:
    """``label=value unit``; a ``c`` is a counter."""
    memory, health = map_of(status, "memory"), map_of(status, "health")
    recoveries = map_of(status, "recoveries").values()
    figures = [f"{name}={number_of(memory, f'{name}_percent'):g}%" for name in ("available", "swap_free")
               if f"{name}_percent" in memory]
    held = sum(recovery.get("state") == "held" for recovery in recoveries)
    owed = sum(len(texts_of(recovery, "owed")) for recovery in recoveries)
    figures += [f"held={held}", f"owed={owed}", f"emergency={int(bool(status.get('emergency')))}"]
    figures += [f"{name}={number_of(health, name):g}c" for name in ("late_ticks", "failed_ticks", "journal_dropped")]
    return " ".join(figures)


def _line(state: int, told: Iterable[str], figures: str) -> str:
    """A bar ends the text and an end of line the answer, so neither may come from a name."""
    words = safe("; ".join(told)).replace("|", "/")
    return f"WATCHDOG-OOM {NAMES[state]} - {words}{f' | {figures}' if figures else ''}"


def _first_line(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return (str(error).splitlines() or [type(error).__name__])[0]

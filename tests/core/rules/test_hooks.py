"""Which hook is told of what: incidents that open and close, holds, on a simulated host."""

from __future__ import annotations

from dataclasses import replace

from tests.core.build import noun, percent, policy, step, when
from tests.core.world import World
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.history import History
from watchdog_oom.core.hook_action import HookEvent
from watchdog_oom.core.hook_state import Hooks
from watchdog_oom.core.policy import Emergency, Mode, Recover, Verb
from watchdog_oom.core.rules.hooks import STOP_SECONDS

OPENS, CLOSES, HOLD = HookEvent.INCIDENT_OPENS, HookEvent.INCIDENT_CLOSES, HookEvent.HOLD_BEGINS
RULE = Recover("x", (when(ProcessesAre("hog", count_above=0)),), (step(Verb.RUN, argv=("/bin/x",)),), attempts=2,
               cooldown_seconds=5.0)


def recovering(hooked: History, rule: Recover = RULE) -> World:
    host = World(policy(noun("hog"), rule), history=hooked)
    host.spawn("hog")
    return host


def events(host: World) -> list[HookEvent]:
    return [hook.event for _, hook in host.hooks_run]


def test_a_recovery_tells_when_it_opens_and_when_it_closes(hooked: History) -> None:
    host = recovering(hooked)
    plan = host.tick()
    (intent,) = (intent for intent in plan.intents if str(intent.action).startswith("hook"))
    run = host.history.recoveries["x"].run
    assert run is not None
    assert (intent.rule, intent.incident, intent.because) == ("recover.x", run.incident, run.because)
    assert not intent.urgent
    host.until(lambda: not host.running("x"), most=20)
    host.tick()
    assert events(host) == [OPENS, CLOSES]
    closed = host.hooks_run[1][1]
    assert (closed.result, closed.ok) == ("closed: success", True)


def test_a_recovery_that_failed_closes_with_what_failed(hooked: History) -> None:
    host = recovering(hooked)
    host.run_works = False
    host.until(lambda: CLOSES in events(host), most=20)
    closed = next(hook for _, hook in host.hooks_run if hook.event is CLOSES)
    assert closed.ok is False
    assert closed.result.startswith("closed: failed: ")


def test_a_hold_is_told_once_when_it_begins(hooked: History) -> None:
    host = recovering(hooked)
    host.until(lambda: HOLD in events(host), most=60)
    host.ticks(20)
    assert events(host).count(HOLD) == 1
    told = next(hook for _, hook in host.hooks_run if hook.event is HOLD)
    assert "2 attempts in 6h did not help" in told.result


def test_an_emergency_opens_and_closes_like_any_incident(hooked: History) -> None:
    host = World(policy(noun("hog"), Emergency(percent(20.0), percent(20.0))), history=hooked, swap_used_mib=512)
    host.spawn("hog", rss_mib=850)
    host.tick(0.05)
    assert OPENS in events(host)
    host.until(lambda: CLOSES in events(host), most=40)
    assert host.history.emergency is None
    assert next(hook for _, hook in host.hooks_run if hook.event is CLOSES).result == "closed: the emergency is over"


def test_rules_that_only_observe_open_nothing_and_run_no_hook(hooked: History) -> None:
    host = recovering(hooked, replace(RULE, mode=Mode.OBSERVE))
    host.ticks(20)
    assert host.said("observed only")
    assert host.hooks_run == []


def test_an_event_without_a_program_runs_nothing(hooked: History) -> None:
    settings = replace(hooked.hooks.settings, programs={CLOSES: ("/bin/x",)})
    host = recovering(replace(hooked, hooks=Hooks(settings)))
    host.until(lambda: bool(host.hooks_run), most=20)
    assert events(host) == [CLOSES]


def test_a_daemon_that_stops_gives_its_last_hook_a_moment_and_no_more(hooked: History) -> None:
    host = recovering(hooked)
    host.hook_takes = 2.0
    host.tick()
    began = host.now
    host.stop()
    assert events(host) == [OPENS, CLOSES]
    assert host.now - began >= 2.0
    host = recovering(hooked)
    host.hook_takes = float("inf")
    host.tick()
    began = host.now
    host.stop()
    assert host.now - began <= STOP_SECONDS + 5

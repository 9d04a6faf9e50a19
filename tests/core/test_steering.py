"""What becomes of requests, on a simulated host."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import mib, noun, policy, step, when
from tests.core.world import Spool, World
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.history import History, Recovery
from watchdog_oom.core.model import Clock
from watchdog_oom.core.nouns import ServiceNoun, SpoolNoun
from watchdog_oom.core.policy import Clean, Hours, Limit, Mode, Protect, Recover, Verb
from watchdog_oom.core.requests import PauseRule, Rearm, Reload, ResumeRule, Ruling, RunNow, Steering
from watchdog_oom.core.steering import came_out, rule_names, steer

ALICE, BOB = "root (pid 12, alice)", "root (pid 13, bob)"
NEVER = when(ProcessesAre("leak", count_above=100))
APP = Recover("app", (NEVER,), (step(Verb.STOP, "app"), step(Verb.START, stopped=True)))
RULES = (noun("leak"), ServiceNoun("app", "app.service"), Limit("leak", "leak", rss=mib(100)),
         Limit("app", "leak", rss=mib(100)), Protect("db", "leak"), APP)


def host(recover: Recover = APP) -> World:
    world = World(policy(*RULES[:-1], recover))
    world.service("app")
    world.tick()
    return world


def ask(world: World, request: Steering, by: str = ALICE) -> Ruling:
    clock = Clock(wall=world.wall, boottime=world.now, local_minute=world.minute)
    world.history, answer = steer(request, by, world.policy, world.history, clock)
    return answer


def test_a_rule_is_called_by_its_whole_name_or_by_one_that_no_other_has() -> None:
    world = host()
    assert ask(world, PauseRule("leak", 60.0)).rule == "limit.leak"
    assert ask(world, PauseRule("recover.app", 60.0)).rule == "recover.app"
    several = ask(world, PauseRule("app", 60.0))
    assert (several.exit_status, several.words) == (2, '"app" is the name of several rules: limit.app, recover.app')
    unknown = ask(world, RunNow("ap\x1b"))
    assert unknown.words == '"ap\\x1b" is the name of no rule'
    assert unknown.names == rule_names(world.policy) == (
        "protect.db", "limit.leak", "limit.app", "recover.app", "emergency")


def test_the_second_administrator_is_told_of_the_first() -> None:
    world = host()
    world.wall = 1.7e9 - 1.7e9 % 60
    first = ask(world, PauseRule("recover.app", 7200.0, "new disk"))
    assert first.words == "recover.app is paused until 14:00 (2h from now): what would be done is only reported"
    before = world.history
    second = ask(world, PauseRule("recover.app", 60.0), BOB)
    assert second.exit_status == 1
    assert second.words == f"recover.app is paused already by {ALICE} until 14:00 (2h from now) because new disk"
    assert world.history == before
    assert "is not run: it is paused by root (pid 12, alice)" in ask(world, RunNow("recover.app"), BOB).words


def test_the_end_of_a_pause_on_another_day_is_told_as_such() -> None:
    assert "until 12:00 tomorrow" in ask(replace(host(), wall=0.0), PauseRule("leak", 86400.0)).words
    assert "until 12:00 in 7 days" in ask(replace(host(), wall=0.0), PauseRule("leak", 7 * 86400.0)).words


def test_a_rule_acts_again_when_it_is_resumed() -> None:
    world = host()
    ask(world, PauseRule("leak", 60.0))
    assert ask(world, ResumeRule("leak"), BOB).words == f"limit.leak is no longer paused by {ALICE}"
    assert world.history.pauses == {}
    assert ask(world, ResumeRule("leak")).exit_status == 1


def test_resuming_all_ends_every_pause_but_that_of_the_emergency() -> None:
    world = host()
    for rule in (None, "leak", "emergency"):
        ask(world, PauseRule(rule, 60.0)) if rule != "leak" else None
    refused = ask(world, ResumeRule("leak"))
    assert (refused.exit_status, "resume --all ends that" in refused.words) == (1, True)
    assert ask(world, ResumeRule(None)).words.endswith("the emergency rule is still paused")
    assert set(world.history.pauses) == {"emergency"}
    assert ask(world, ResumeRule("emergency")).exit_status == 0


def test_a_rule_that_has_left_the_policy_can_still_be_resumed() -> None:
    world = host()
    ask(world, PauseRule("limit.leak", 60.0))
    world.policy = policy(*RULES[:2])
    assert ask(world, ResumeRule("limit.leak")).exit_status == 0


def test_rearm_lifts_the_hold_of_this_recovery_alone() -> None:
    world = host()
    held = Recovery(started=(world.now, world.now), held_since=world.now, ended=world.now, unhelped=2, owed=("x",))
    world.history = replace(world.history, recoveries={"app": held, "other": held})
    answer = ask(world, Rearm("recover.app"))
    assert answer.words == "recover.app is armed: its hold is lifted, 2 attempts and the cooldown are forgotten"
    assert world.history.recoveries["app"] == Recovery(owed=("x",)), "what it owes is still owed"
    assert world.history.recoveries["other"] == held
    assert ask(world, Rearm("limit.leak")).exit_status == 2


def test_a_run_that_was_asked_for_is_one_like_any_other_and_its_end_is_told() -> None:
    world = host()
    answer = ask(world, RunNow("recover.app", "smoke"))
    assert (answer.exit_status, answer.follow, answer.words) == (0, True, "recover.app runs now: 2 steps")
    since = world.now
    assert came_out("recover.app", since, world.history) is None
    world.tick()
    assert world.running("app")
    assert world.said("opened")[0].because == (f"asked for by {ALICE}: smoke",)
    assert len(world.history.recoveries["app"].started) == 1
    refused = ask(world, RunNow("recover.app"), BOB)
    assert refused.exit_status == 1
    assert "is under way already" in refused.words and f"asked for by {ALICE}: smoke" in refused.words
    assert ask(world, Rearm("recover.app")).exit_status == 1
    world.until(lambda: not world.running("app"))
    assert world.done == ["stop app.service", "start app.service"]
    assert came_out("recover.app", since, world.history) == Ruling("recover.app: success", 0, "recover.app")


def test_a_run_that_failed_or_left_something_down_is_no_success() -> None:
    failed = History(recoveries={"app": Recovery(ended=5.0, last_result="failed: x")})
    owing = History(recoveries={"app": Recovery(ended=5.0, last_result="success", owed=("app",))})
    for history, words in ((failed, "failed: x"), (owing, "success; still down: app")):
        assert came_out("recover.app", 4.0, history) == Ruling(f"recover.app: {words}", 1, "recover.app")
    assert came_out("recover.app", 6.0, failed) == Ruling("recover.app was not begun", 1, "recover.app")


@pytest.mark.parametrize(("recover", "state", "why"), [
    (replace(APP, mode=Mode.OBSERVE), Recovery(), "it only observes"),
    (APP, Recovery(held_since=1.0), "its 3 attempts are used up; rearm recover.app lifts that"),
    (APP, Recovery(started=(9e3, 9.1e3, 9.2e3)), "its 3 attempts are used up; rearm recover.app lifts that")])
def test_what_keeps_a_run_from_beginning(recover: Recover, state: Recovery, why: str) -> None:
    world = host(recover)
    world.history = replace(world.history, recoveries={"app": state})
    answer = ask(world, RunNow("recover.app"))
    assert (answer.exit_status, answer.words, world.history.asked) == (1, f"recover.app is not run: {why}", {})


def test_neither_cooldown_nor_hours_keep_a_run_from_beginning() -> None:
    world = host(replace(APP, hours=Hours(0, 1)))
    world.history = replace(world.history, recoveries={"app": Recovery(ended=world.now, unhelped=3)})
    ask(world, RunNow("recover.app"))
    world.tick()
    assert world.running("app")


def test_nothing_but_a_recovery_is_run_and_none_while_the_daemon_stops() -> None:
    world = host()
    assert ask(world, RunNow("limit.leak")).exit_status == 2
    world.history = replace(world.history, stopping=True)
    assert ask(world, RunNow("recover.app")).words == "recover.app is not run: the daemon stops"


def test_a_pause_while_a_recovery_runs_says_that_it_finishes_first() -> None:
    world = host()
    ask(world, RunNow("recover.app"))
    world.tick()
    assert ask(world, PauseRule("recover.app", 60.0)).words.endswith("the recovery under way finishes first")
    assert "waits for the recovery under way" in ask(world, Reload()).words


names = st.sampled_from([None, "app", "leak", "recover.app", "limit.app", "emergency", "nobody", ""])
requests = st.one_of(
    st.builds(PauseRule, names, st.floats(1, 7 * 86400.0)), st.builds(ResumeRule, names),
    st.builds(Rearm, names.map(str)), st.builds(RunNow, names.map(str)), st.just(Reload()))


@given(st.lists(requests, max_size=12))
def test_a_refused_request_changes_nothing_and_no_pause_is_longer_than_asked(asked: list[Steering]) -> None:
    world = host()
    for request in asked:
        before = world.history
        answer = ask(world, request)
        assert answer.exit_status == 0 or world.history == before
        assert all(pause.until <= world.now + 7 * 86400.0 for pause in world.history.pauses.values())
        world.tick()


def spool_host() -> World:
    world = World(policy(SpoolNoun("s", "/var/spool/s", ("x-*",), 3600.0), Clean("s", "s", 3600.0)))
    world.spools["s"] = Spool(entries=30, stale=12)
    world.tick()
    return world


def test_a_cleaning_that_was_asked_for_runs_and_its_end_is_told() -> None:
    world = spool_host()
    since = world.now
    assert ask(world, RunNow("s", "full")).words == "clean.s runs as soon as it may"
    assert came_out("clean.s", since, world.history) is None
    assert "is about to run already" in ask(world, RunNow("clean.s"), BOB).words
    world.tick()
    assert world.history.cleans["s"].runs and came_out("clean.s", since, world.history) is None
    world.until(lambda: not world.history.cleans["s"].runs)
    ended = came_out("clean.s", since, world.history)
    assert ended is not None and (ended.exit_status, world.done) == (0, ["purge s"])


def test_a_paused_cleaning_only_reports_and_is_not_run() -> None:
    world = spool_host()
    ask(world, PauseRule("clean.s", 7200.0))
    assert "is not run: it is paused" in ask(world, RunNow("clean.s")).words
    world.ticks(700)
    assert world.done == [] and [note.result for note in world.said("would purge")] == [
        f"paused by {ALICE}: would purge s"]

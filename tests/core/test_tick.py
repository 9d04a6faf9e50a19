"""What rules share within a tick: times held, notes, plans checked by guard."""

from __future__ import annotations

from dataclasses import replace

from tests.core.build import NOW, noun, policy, proc, snapshot, tick
from tests.core.world import World
from watchdog_oom.core.actions import Contain, Probe, SignalName
from watchdog_oom.core.bounded import MOST_TOLD
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import KERNEL_KILLS_KEPT, History, Stage, Termination
from watchdog_oom.core.model import KernelKill
from watchdog_oom.core.policy import Protect
from watchdog_oom.core.tick import Tick

VICTIM = proc(10, "victim")


def later(before: Tick, seconds: float) -> Tick:
    _, history = before.result()
    return tick(snapshot(VICTIM, at=before.now + seconds), before.view.policy, history, before.budget)


def test_what_holds_must_have_held_for_its_time_and_begins_anew_after_a_pause() -> None:
    now = tick(snapshot())
    answers = []
    for holds in (True, True, True, False, True, True, True):
        answers.append(now.sustained("key", holds, 2.0))
        now = later(now, 1.0)
    assert answers == [False, False, True, False, False, False, True]
    assert tick(snapshot()).sustained("key", True, 0.0)


def test_what_is_not_known_neither_begins_nor_ends_nor_counts() -> None:
    now = tick(snapshot())
    answers = []
    for holds in (None, True, None, None, True, None, True):
        answers.append(now.sustained("key", holds, 2.0))
        now = later(now, 1.0)
    assert answers == [False, False, False, False, False, False, True]


def test_what_nobody_asks_for_any_more_is_forgotten() -> None:
    now = tick(snapshot())
    now.sustained("key", True, 2.0)
    assert later(later(now, 1.0), 1.0).before.held_since == {}


def test_news_are_said_once_and_again_after_an_hour() -> None:
    now = tick(snapshot())
    said = []
    for _ in range(8):
        said.append(now.rate_limit("key"))
        now = later(now, 900.0)
    assert said == [True, False, False, False, True, False, False, False]


def test_ids_are_unique_over_ticks_and_lives() -> None:
    now = tick(snapshot(), history=History(run_id="a"))
    ids = [now.new_id() for _ in range(3)]
    now = later(now, 1.0)
    ids += [now.new_id(), now.new_id("amavis"), tick(snapshot(), history=History(run_id="b")).new_id()]
    assert len(set(ids)) == 6 and ids[0] == "i-a.1" and ids[4] == "amavis-a.5"


def test_a_refused_step_is_not_planned_and_the_refusal_said_once_an_hour() -> None:
    now = tick(snapshot(VICTIM), policy(noun("victim"), Protect("mine", "victim")))
    refusals = 0
    for _ in range(5):
        assert not now.end(VICTIM, "limit.x", ("why",), 10.0)
        plan, history = now.result()
        refusals += len(plan.refusals)
        assert plan.intents == () and history.kills == () and history.terminations == {}
        now = later(now, 900.0)
    assert refusals == 2


def test_an_ending_is_counted_once_and_forgotten_by_the_budget_after_a_minute() -> None:
    now = tick(snapshot(VICTIM), budget=Budget(kills_per_minute=1))
    assert now.end(VICTIM, "limit.x", ("why",), 10.0, noun="x", explicit=True)
    assert now.end(VICTIM, "limit.y", ("why too",), 10.0)
    plan, history = now.result()
    assert len(plan.intents) == 1 and history.kills == (NOW,)
    assert later(now, 59.9).kills == (NOW,) and later(now, 60.0).kills == ()


def test_an_emergency_makes_a_kill_of_a_term_within_the_same_ending() -> None:
    now = tick(snapshot(VICTIM), budget=Budget(kills_per_minute=1))
    now.end(VICTIM, "limit.x", ("why",), 600.0)
    now.end(VICTIM, "emergency", ("now",), 5.0, urgent=True, at_once=True)
    now.end(VICTIM, "emergency", ("now",), 5.0, urgent=True, at_once=True)
    plan, history = now.result()
    assert [str(intent.action) for intent in plan.intents] == ["TERM victim[10]", "KILL victim[10]"]
    assert plan.intents[1].urgent and plan.intents[1].because == ("now",)
    assert history.terminations[VICTIM.id].stage is Stage.KILL


def test_an_urgent_wish_shortens_the_grace_and_never_lengthens_it() -> None:
    now = tick(snapshot(VICTIM))
    now.end(VICTIM, "limit.x", ("why",), 600.0)
    now.end(VICTIM, "emergency", ("now",), 5.0, urgent=True)
    assert now.terminations[VICTIM.id].grace_seconds == 5.0 and now.terminations[VICTIM.id].urgent
    now.end(VICTIM, "emergency", ("now",), 50.0, urgent=True)
    assert now.terminations[VICTIM.id].grace_seconds == 5.0
    now.end(VICTIM, "limit.y", ("why",), 1.0)
    assert now.terminations[VICTIM.id].grace_seconds == 5.0, "nobody else hurries it"


def test_the_shunned_are_not_ended_until_their_time_is_over() -> None:
    shunning = History(shunned={VICTIM.id: NOW + 10.0})
    assert not tick(snapshot(VICTIM), history=shunning).end(VICTIM, "limit.x", (), 1.0)
    assert tick(snapshot(VICTIM, at=NOW + 10.0), history=shunning).end(VICTIM, "limit.x", (), 1.0)


def test_one_that_is_being_ended_is_not_frozen() -> None:
    termination = Termination("limit.x", "victim", Stage.TERM, NOW, NOW, 10.0, ())
    now = tick(snapshot(VICTIM), history=History(terminations={VICTIM.id: termination}))
    assert not now.freeze(VICTIM, "limit.y", (), noun="victim", explicit=True)
    assert now.result()[0].intents == ()


def test_frozen_once_is_not_stopped_again_while_it_stands_still() -> None:
    now = tick(snapshot(VICTIM))
    assert now.freeze(VICTIM, "limit.y", (), noun="victim", explicit=True)
    still = replace(VICTIM, state="T")
    now = later(now, 20.0)
    assert now.freeze(still, "limit.y", (), noun="victim", explicit=True) and now.result()[0].intents == ()
    now = later(now, 1.0)
    assert now.freeze(VICTIM, "limit.y", (), noun="victim", explicit=True)
    assert [getattr(intent.action, "signal", None) for intent in now.result()[0].intents] == [SignalName.STOP]


def test_the_kernels_kills_are_remembered_for_an_hour_and_counted_once() -> None:
    kill = KernelKill(10, "x", "Killed", NOW)
    now = tick(snapshot(kernel_kills=(kill,)))
    assert now.kernel_kills == (kill,)
    _, history = now.result()
    assert tick(snapshot(at=NOW + 3599.0, kernel_kills=(kill,)), history=history).kernel_kills == (kill,)
    assert tick(snapshot(at=NOW + 3600.0), history=history).kernel_kills == ()


def test_services_are_watched_and_soon_only_when_there_are_any() -> None:
    now = tick(snapshot())
    now.watch(often=True)
    now.watch("a")
    assert now.result()[0].watch.services == {"a"} and not now.result()[0].watch.often
    now.watch("b", often=True)
    assert now.result()[0].watch.often


def test_the_order_of_the_plan_is_the_order_of_asking() -> None:
    now = tick(snapshot())
    for name in ("b", "a"):
        now.plan(Probe(name), "r", ("why",))
    assert [str(intent.action) for intent in now.result()[0].intents] == ["probe b", "probe a"]


def test_the_moment_of_the_tick_is_remembered() -> None:
    world = World(policy())
    world.tick()
    assert world.history.decided_at == world.now


def test_kernel_kills_that_are_kept_have_a_bound_and_those_of_control_groups_displace_none_of_the_host() -> None:
    host = tuple(KernelKill(pid, "mysqld", "mysqld", NOW) for pid in range(3))
    history = History()
    for second in range(40):
        crowd = tuple(KernelKill(1000 * second + pid, "x", "x", NOW + second, cgroup=True) for pid in range(100))
        now = tick(snapshot(at=NOW + second, kernel_kills=(host if second == 0 else ()) + crowd), history=history)
        _, history = now.result()
    assert len(history.kernel_kills) <= KERNEL_KILLS_KEPT + 1
    assert set(host) <= set(history.kernel_kills)
    assert history.kernel_kills[-1].boottime == NOW + 39


def test_what_limits_have_used_up_is_not_missed_by_the_emergency() -> None:
    victims = [proc(pid, "x") for pid in (10, 11, 12)]
    now = tick(snapshot(*victims), budget=Budget(kills_per_minute=1))
    assert now.end(victims[0], "limit.x", (), 5.0)
    assert not now.end(victims[1], "limit.x", (), 5.0)
    assert now.end(victims[1], "emergency", (), 5.0, urgent=True)
    assert not now.end(victims[2], "emergency", (), 5.0, urgent=True)


def test_refusals_of_many_are_told_once_a_rule_and_reason_and_counted() -> None:
    spared = [proc(pid, f"x{pid}", oom_score_adj=-1000) for pid in range(10, 40)]
    now = tick(snapshot(*spared))
    for process in spared:
        now.end(process, "limit.x", (), 5.0)
    plan, history = now.result()
    assert len(plan.refusals) == 1 and len(history.told_at) == 1
    later = tick(snapshot(*spared, at=NOW + 3601.0), history=history)
    later.end(spared[0], "limit.x", (), 5.0)
    assert "29 more refusals" in later.result()[0].refusals[0].reason


def test_whatever_others_make_it_hold_tell_or_refuse_is_remembered_within_bounds() -> None:
    history = History()
    for generation in range(4):
        now = tick(snapshot(at=NOW + generation), history=history)
        for number in range(MOST_TOLD + 100):
            name = f"{generation // 2}-{number}"
            now.sustained(f"limit.x {name}", True, 60.0)
            now.rate_limit(f"limit.x reports {name}")
            now.plan(Contain(f"user-{name}.slice", 1, None, None), "limit.x", ())
        _, history = now.result()
    assert len(history.held_since) == MOST_TOLD + 100, "what holds at this look, and nothing of the looks before"
    assert len(history.told_at) == len(history.refused) == MOST_TOLD
    assert any("1-" in key for key in history.refused), "the newest are kept"
    assert tick(snapshot(at=NOW + 9), history=history).result()[1].held_since == {}

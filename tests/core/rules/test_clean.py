"""[clean.NAME] on the simulated host: when it runs, what it waits for, what it leaves behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.build import percent, policy, step, when
from tests.core.world import Spool, World
from watchdog_oom.core.actions import Plan, Purge
from watchdog_oom.core.conditions.memory import MemoryAvailableBelow
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.core.policy import Clean, Emergency, Hours, Mode, Policy, Recover, Verb
from watchdog_oom.core.rules import clean as rule
from watchdog_oom.core.rules.clean import FIRST_WITHIN_SECONDS
from watchdog_oom.core.view import View

HOUR = 3600.0


def spool(name: str, path: str = "", limit: int | None = None) -> SpoolNoun:
    return SpoolNoun(name, path or f"/{name}", ("*",), 3600.0, limit=limit)


def rules(*more: object, **keys: object) -> Policy:
    return policy(spool("sessions"), Clean("sessions", "sessions", **keys), *more)  # type: ignore[arg-type]


def world(rules: Policy, **spools: Spool) -> World:
    host = World(rules)
    host.spools = dict(spools) or {"sessions": Spool(30, 12)}
    return host


def purges(host: World) -> int:
    return sum(what.startswith("purge") for what in host.done)


def to_first_purge(host: World) -> Plan:
    """Let time pass until a tick plans a purge."""
    for _ in range(int(FIRST_WITHIN_SECONDS) // 5 + 2):
        plan = host.tick(5)
        if plan.intents:
            return plan
    raise AssertionError("no purge was planned")


def test_it_clears_what_is_stale_once_every_so_often_and_gently() -> None:
    host = world(rules())
    plan = to_first_purge(host)
    (intent,) = plan.intents
    assert intent.action == Purge("sessions", Budget().purge_entries, rule.WITHIN_SECONDS, gently=True)
    assert (intent.rule, intent.incident) == ("clean.sessions", None)
    assert intent.because == ("12 of 30 entries of sessions are stale",)
    host.ticks(5)
    assert (purges(host), host.spools["sessions"].stale) == (1, 0)
    host.spools["sessions"].stale = 3
    host.ticks(350, 10)
    assert purges(host) == 1
    host.ticks(12, 10)
    assert purges(host) == 2
    assert not host.notes


def test_a_run_that_finds_nothing_stale_starts_no_purge_and_says_nothing() -> None:
    host = world(rules(), sessions=Spool(30, 0))
    host.ticks(70, 10)
    assert (host.done, host.notes) == ([], [])
    assert host.history.cleans["sessions"].last_result == "nothing to clear: no entry of sessions is stale"
    assert host.history.cleans["sessions"].due > host.now + 2900


def test_the_first_runs_of_many_are_spread_and_a_restart_repeats_none() -> None:
    names = [f"c{number}" for number in range(20)]
    host = World(policy(*(spool(name) for name in names), *(Clean(name, name) for name in names)))
    host.spools = {name: Spool(2, 1) for name in names}
    began = []
    for _ in range(int(FIRST_WITHIN_SECONDS) // 5 + 20):
        began += [host.now] * len(host.tick(5).intents)
    assert len(began) == len(names) == len(set(began))
    assert purges(host) == len(names)
    for one in host.spools.values():
        one.stale = 1
    host.crash()
    host.ticks(60, 10)
    assert purges(host) == len(names)


def test_one_spool_is_cleaned_at_a_time() -> None:
    host = World(policy(spool("a"), spool("b"), Clean("a", "a"), Clean("b", "b")))
    host.spools = {"a": Spool(2, 1, purge_takes=900), "b": Spool(2, 1)}
    host.history = replace(host.history, asked=frozenset({"clean.a"}))
    host.ticks(80, 10)
    assert host.done == []
    assert host.history.cleans["b"].due < host.now
    host.ticks(20, 10)
    assert host.done == ["purge a", "purge b"]


def test_the_limit_of_the_spool_and_the_budget_bound_a_run() -> None:
    host = World(policy(spool("sessions", limit=7), Clean("sessions", "sessions")), budget=Budget(purge_entries=100))
    host.spools = {"sessions": Spool(30, 12)}
    (intent,) = to_first_purge(host).intents
    assert isinstance(intent.action, Purge) and intent.action.limit == 7
    host.ticks(5)
    host.policy = rules()
    host.history = replace(host.history, cleans={})
    host.spools["sessions"].stale = 5
    (intent,) = to_first_purge(host).intents
    assert isinstance(intent.action, Purge) and intent.action.limit == 100


def test_outside_its_hours_it_waits_and_then_it_runs() -> None:
    host = world(rules(hours=Hours(0, 60)))
    host.ticks(70, 10)
    assert purges(host) == 0
    host.minute = 30
    host.ticks(3)
    assert purges(host) == 1


def test_a_rule_that_observes_only_says_what_it_would_do_once_a_turn() -> None:
    host = world(rules(mode=Mode.OBSERVE))
    host.ticks(70, 10)
    (note,) = host.notes
    assert (note.rule, note.result) == ("clean.sessions", "observed only: would purge sessions")
    assert note.because == ("12 of 30 entries of sessions are stale",)
    assert host.done == []


def test_a_spool_that_is_refused_is_refused_by_the_guard() -> None:
    host = world(rules(), sessions=Spool(30, 12, problem="it is a symbolic link"))
    host.ticks(70, 10)
    (refusal,) = host.refusals
    assert refusal.reason == "it is a symbolic link"
    assert host.history.cleans["sessions"].last_result == "refused: it is a symbolic link"


def test_a_scan_from_before_the_last_run_begins_no_other_one() -> None:
    host = world(rules(every_seconds=10.0))
    to_first_purge(host)
    host.ticks(2)
    scanned = host.now - 1
    host.spools["sessions"] = Spool(30, 12, scanned=scanned)
    host.ticks(60)
    assert purges(host) == 1
    host.spools["sessions"].scanned = None
    host.ticks(12)
    assert purges(host) == 2


# --- What comes before it ---------------------------------------------------------------------------------------

EMERGENCY = Emergency(memory_available_below=percent(10.0), swap_free_below=percent(10.0))


def short(host: World, available: float) -> None:
    """Memory and swap at this percentage."""
    host.base_mib = int(host.ram_mib * (100 - available) / 100)
    host.swap_used_mib = int(host.swap_mib * (100 - available) / 100)


def test_it_does_not_begin_while_memory_is_near_the_thresholds() -> None:
    host = world(rules(EMERGENCY))
    short(host, 15)
    host.ticks(70, 10)
    assert host.done == []
    short(host, 50)
    host.ticks(3)
    assert purges(host) == 1


def test_it_does_not_begin_while_memory_cannot_be_judged() -> None:
    host = world(rules(EMERGENCY))
    host.memory_readable = False
    host.ticks(70, 10)
    assert host.done == []


def test_it_is_ended_when_memory_comes_near_and_tried_again_a_minute_after_at_the_earliest() -> None:
    host = world(rules(EMERGENCY), sessions=Spool(30, 12, purge_takes=30))
    to_first_purge(host)
    assert host.tick().halts == {}
    short(host, 15)
    plan = host.tick()
    assert plan.halts == {"sessions": "memory is near the thresholds of the emergency"}
    assert "end the cleaning of sessions: memory is near" in str(plan)
    host.ticks(2)
    assert host.history.cleans["sessions"].last_result.startswith("ended early")
    ended = host.now
    short(host, 50)
    to_first_purge(host)
    assert 50 < host.now - ended < 75


def recovery(*steps: object, name: str = "r") -> Recover:
    return Recover(name, (when(MemoryAvailableBelow(percent(90.0))),), steps)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/sessions", "/other"])
def test_a_recovery_that_purges_the_same_directory_comes_first(path: str) -> None:
    wait, purge = step(Verb.WAIT, within=3000.0), step(Verb.PURGE, "twin")
    host = World(policy(spool("sessions"), spool("twin", path), Clean("sessions", "sessions"), recovery(wait, purge)))
    host.spools = {"sessions": Spool(30, 12), "twin": Spool(3, 1)}
    short(host, 80)
    host.until(lambda: host.running("r"))
    host.ticks(70, 10)
    assert ("purge sessions" in host.done) == (path == "/other")


def test_a_run_gives_way_to_the_purge_of_a_recovery() -> None:
    host = world(rules(recovery(step(Verb.PURGE, "sessions"))), sessions=Spool(30, 12, purge_takes=200))
    to_first_purge(host)
    short(host, 80)
    host.spools["sessions"].purge_takes = 1
    assert host.tick().halts == {"sessions": "recover.r is under way, which uses the spool"}
    host.until(lambda: not host.running("r"), 20)
    (note,) = host.said("closed: success")
    assert host.trouble == []
    assert note.rule == "recover.r"


def test_a_recovery_does_not_wait_for_ever_for_a_run_that_does_not_end() -> None:
    host = world(rules(recovery(step(Verb.PURGE, "sessions"))), sessions=Spool(30, 12, purge_takes=200))
    to_first_purge(host)
    host.deaf = True
    short(host, 80)
    host.spools["sessions"].purge_takes = 1
    host.tick()
    began = host.now
    host.until(lambda: not host.running("r"), 20)
    assert host.said("closed: success")
    assert host.now - began >= rule.GIVE_WAY_SECONDS, "it did not even try to have the spool for itself"


def test_nothing_begins_while_the_daemon_stops() -> None:
    host = world(rules())
    host.ticks(1)
    host.history = replace(host.history, cleans={"sessions": replace(host.history.cleans["sessions"], due=0.0)})
    host.stop()
    assert host.done == []


# --- Asked for now ----------------------------------------------------------------------------------------------

def test_what_is_asked_for_runs_at_once_outside_its_hours_too_and_is_asked_once() -> None:
    host = world(rules(hours=Hours(0, 60)))
    host.history = replace(host.history, asked=frozenset({"clean.sessions", "clean.gone", "recover.x"}))
    (intent,) = host.tick().intents
    assert intent.because == ("asked for now", "12 of 30 entries of sessions are stale")
    assert host.history.asked == {"recover.x"}
    host.ticks(70, 10)
    assert purges(host) == 1


def test_who_asks_is_told_that_there_was_nothing_to_do() -> None:
    host = world(rules(), sessions=Spool(30, 0))
    host.history = replace(host.history, asked=frozenset({"clean.sessions"}))
    host.tick()
    (note,) = host.notes
    assert (note.rule, note.ok) == ("clean.sessions", True)
    assert note.result == "nothing to clear: no entry of sessions is stale"


def test_who_asks_is_told_that_everything_was_in_use() -> None:
    host = world(rules(), sessions=Spool(30, 12, in_use=True))
    host.history = replace(host.history, asked=frozenset({"clean.sessions"}))
    host.ticks(4)
    assert [note.rule for note in host.notes] == ["clean.sessions"]


def test_what_is_asked_for_waits_for_what_comes_first() -> None:
    host = world(rules(EMERGENCY))
    short(host, 15)
    host.history = replace(host.history, asked=frozenset({"clean.sessions"}))
    host.ticks(20)
    assert (host.done, host.history.asked) == ([], frozenset({"clean.sessions"}))
    short(host, 50)
    host.ticks(3)
    assert purges(host) == 1


# --- The policy changes -----------------------------------------------------------------------------------------

def test_a_shorter_interval_is_in_force_at_once() -> None:
    host = world(rules(every_seconds=24 * HOUR))
    to_first_purge(host)
    host.ticks(3)
    host.spools["sessions"].stale = 2
    host.policy = rules(every_seconds=60.0)
    host.ticks(63)
    assert purges(host) == 2


def test_a_rule_that_leaves_the_policy_ends_its_run() -> None:
    host = world(rules(), sessions=Spool(30, 12, purge_takes=30))
    to_first_purge(host)
    host.policy = policy(spool("sessions"))
    assert host.tick().halts == {"sessions": "the rule has left the policy"}
    assert host.history.cleans == {}


def test_why_it_waits_is_said_in_the_order_of_the_decision() -> None:
    host = world(rules(EMERGENCY, hours=Hours(0, 60)))
    host.tick()
    clean = host.policy.cleans["sessions"]

    def told() -> str:
        view = View(host.seen, host.policy)
        return rule.why_waiting(view, clean, host.history.cleans["sessions"], host.history)

    assert told().startswith("it is due in ")
    host.ticks(70, 10)
    assert told() == "it is outside its hours (00:00-01:00)"
    host.minute = 30
    short(host, 15)
    host.tick()
    assert told() == "memory is near the thresholds of the emergency"

"""The fold over all rules: its order, its purity, its end."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import NOW, mib, noun, percent, policy, proc, snapshot, spool_state, step, when
from tests.core.world import World
from tests.examples import at_most
from watchdog_oom.core.conditions.memory import MemoryAvailableBelow
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.conditions.spool import SpoolIs
from watchdog_oom.core.decide import decide
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.model import ServiceState, ServiceStatus, Snapshot
from watchdog_oom.core.nouns import ServiceNoun, SpoolNoun
from watchdog_oom.core.policy import Emergency, Limit, Protect, Recover, Then, Verb

EVERYTHING = policy(
    noun("hog"), noun("db"), SpoolNoun("spool", "/spool", ("*",), 60.0), ServiceNoun("a", "a.service", ("a.socket",)),
    Protect("db", "db", -500), Limit("hog", "hog", rss=mib(100), count=1),
    Limit("cold", "hog", rss=mib(50), then=Then.FREEZE),
    Recover("r", (when(ProcessesAre("hog", count_above=0)), when(SpoolIs("spool", entries_above=5)),
                  when(MemoryAvailableBelow(percent(50.0)), lasting=5.0)),
            (step(Verb.STOP, "a"), step(Verb.KILL, "hog"), step(Verb.PURGE, "spool"), step(Verb.START, stopped=True),
             step(Verb.VERIFY, "a"))),
    Emergency(percent(60.0), percent(60.0)))


def test_nothing_to_do_is_an_empty_plan() -> None:
    plan, history = decide(snapshot(proc(10)), policy(), History(run_id="1"), Budget())
    assert not plan.intents and not plan.refusals and not plan.notes and str(plan) == ""
    assert history == History(run_id="1", decided_at=NOW)


def test_the_same_snapshot_and_history_give_the_same_plan_and_change_nothing() -> None:
    seen = snapshot(proc(10, "hog", rss=400), proc(11, "db"), spools={"spool": spool_state(entries=10)})
    history = History(run_id="1")
    first, second = decide(seen, EVERYTHING, history, Budget()), decide(seen, EVERYTHING, history, Budget())
    assert first == second and history == History(run_id="1")


def test_the_emergency_goes_first_and_has_a_budget_of_its_own() -> None:
    seen = snapshot(proc(10, "hog", rss=100, age=9.0), proc(11, "hog", rss=200), proc(12, "giant", rss=500),
                    memory=Memory(1 << 30, 1 << 20, 1 << 30, 0, 0))
    plan, _ = decide(seen, EVERYTHING, History(), Budget(kills_per_minute=1))
    lean, _ = decide(seen, EVERYTHING, History(kills=(seen.clock.boottime,)), Budget(kills_per_minute=1))
    ends = [intent for intent in plan.intents if "KILL" in str(intent.action) or "TERM" in str(intent.action)]
    assert [str(intent.action) for intent in ends] == ["KILL giant[12]", "TERM hog[11]"]
    assert [intent.urgent for intent in ends] == [True, False]
    assert [str(intent.action) for intent in lean.intents if intent.urgent] == ["KILL giant[12]"]
    assert any("budget" in refusal.reason for refusal in lean.refusals)


def test_a_stop_gives_everything_back_and_says_when_it_has_finished() -> None:
    world = World(replace(EVERYTHING, emergency=policy().emergency))
    world.service("a")
    world.service("a.socket")
    db = world.spawn("db")
    hog = world.spawn("hog", rss_mib=60)
    world.ticks(4)
    assert db.adj == -500 and hog.state == "T"
    world.stop()
    assert db.adj == 0 and hog.state == "S" and world.status("a") is ServiceStatus.ACTIVE
    assert not world.running("r")


def test_protection_is_given_back_only_when_no_recovery_runs_any_more() -> None:
    world = World(replace(EVERYTHING, emergency=policy().emergency))
    world.service("a", stop_takes=30.0)
    world.service("a.socket")
    db = world.spawn("db")
    world.spawn("hog")
    world.ticks(5)
    world.history = replace(world.history, stopping=True)
    world.ticks(5)
    assert not world.history.finished and db.adj == -500
    world.stop()
    assert db.adj == 0


MEMORIES = st.none() | st.builds(
    Memory, *(st.integers(0, 1 << 40) for _ in range(5)))
STATES = st.builds(ServiceState, st.just("a.service"), st.sampled_from(list(ServiceStatus)), st.floats(0, 2e4),
                   st.integers(0, 9))
PROCESSES = st.builds(
    lambda pid, comm, ppid, rss, age, state, threads, adj: proc(
        pid, comm, ppid=ppid, rss=rss, age=age, state=state, threads=threads, oom_score_adj=adj),
    st.integers(1, 30), st.sampled_from(["hog", "db", "a) Z 1 (", ""]), st.integers(0, 30), st.integers(0, 1000),
    st.floats(-10, 1e5), st.sampled_from("SRDZTX"), st.integers(1, 3), st.sampled_from([None, 0, -500, -1000]))
SNAPSHOTS = st.builds(
    lambda found, reading, state, entries, problem: (found, reading, state, entries, problem),
    st.lists(PROCESSES, max_size=8), MEMORIES, st.none() | STATES, st.integers(0, 20), st.none() | st.just("a symlink"))


@settings(max_examples=at_most(100), deadline=None)
@given(sights=st.lists(SNAPSHOTS, min_size=1, max_size=12), pace=st.floats(0.0, 100.0), stopping=st.integers(0, 12),
       forgetful=st.integers(0, 12))
def test_no_snapshot_whatever_it_says_makes_the_core_raise(sights: list[tuple[object, ...]], pace: float, stopping: int,
                                                           forgetful: int) -> None:
    history = History()
    for count, (found, reading, state, entries, problem) in enumerate(sights):
        at = NOW + count * pace
        services = {"a": state, "a.socket": state} if state else {}
        seen: Snapshot = snapshot(*found, at=at, memory=reading, services=services,  # type: ignore[misc]
                                  spools={"spool": spool_state(entries=entries, problem=problem)})
        history = replace(history, stopping=count >= stopping)
        plan, history = decide(seen, EVERYTHING if count < forgetful else policy(), history, Budget())
        assert str(plan) is not None

"""What a daemon that was killed left behind is settled by the next one, from state.json and from the host alone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.core.build import mib, noun, policy, step, when
from tests.core.world import Spool, World
from watchdog_oom.core.actions import Purge, SetOomScoreAdj, Signal, SignalName
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.history import History, Phase, Recovery
from watchdog_oom.core.model import Clock, Process, ProcessId, Snapshot
from watchdog_oom.core.nouns import ServiceNoun, SpoolNoun
from watchdog_oom.core.policy import Emergency, Limit, Policy, Protect, Recover, Then, Verb
from watchdog_oom.daemon.crash_recovery import Inherited, finish_purges, inherit
from watchdog_oom.daemon.state_file import State, from_plain, to_plain
from watchdog_oom.journal.unfinished import Unfinished

POLICY = Policy(services={name: ServiceNoun(name, f"{name}.service", triggers=(f"{name}.socket",))
                          for name in ("amavis", "clamd")},
                spools={"vscan": SpoolNoun("vscan", "/var/spool/vscan", ("*",), 60.0)},
                recovers={"mail": Recover("mail", (), ())})
NOTHING = Snapshot(Clock(1000.0, 100.0))


def owing(*services: str, **rest: object) -> State:
    units = {name: (f"{name}.service",) for name in services}
    recovery = Recovery(owed=services, units=units, **rest)  # type: ignore[arg-type]
    return State(History(run_id="2", recoveries={"mail": recovery}))


def settle(state: State, *ends: Unfinished, of: Policy = POLICY) -> Inherited:
    return inherit(state, ends, of, NOTHING)


def test_what_a_dead_daemon_stopped_becomes_a_run_that_only_goes_the_way_back() -> None:
    inherited = settle(replace(owing("amavis", "clamd"), unclosed={"mail": "mail-1"}))
    run = inherited.history.recoveries["mail"].run
    assert run is not None
    assert run.phase is Phase.COMPENSATE
    assert run.stopped == ("amavis", "clamd")
    assert run.incident == "mail-1", "the incident goes on, and its end will be told"
    record, = inherited.records
    assert record.incident == "mail-1" and "amavis.service, clamd.service" in str(record.result)
    assert inherited.purges == {}


def test_holds_and_attempts_do_not_keep_the_services_down() -> None:
    state = settle(owing("clamd", "amavis", started=(1.0, 2.0, 3.0), held_since=4.0)).history.recoveries["mail"]
    assert state.run is not None
    assert state.run.stopped == ("clamd", "amavis")
    assert state.held_since == 4.0
    assert state.owed == ()
    assert state.run.incident, "a debt without an open incident gets one of its own"


def test_a_trigger_that_was_left_stopped_is_owed_with_its_service() -> None:
    run = settle(owing("amavis", owed_triggers=("amavis.socket",))).history.recoveries["mail"].run
    assert run is not None
    assert run.stopped == ("amavis",)
    assert run.triggers == ("amavis.socket",)


def test_an_incident_that_had_stopped_nothing_yet_is_told_to_be_over() -> None:
    inherited = settle(replace(owing(), unclosed={"mail": "mail-1"}))
    assert inherited.history.recoveries["mail"].run is None
    record, = inherited.records
    assert record.incident == "mail-1" and record.ok is False and "nothing stopped" in str(record.result)


def test_an_act_without_an_outcome_in_the_journal_is_told_and_nothing_is_done_by_it() -> None:
    ends = (Unfinished("i-7", "KILL hog[12]", "limit.hog", None),
            Unfinished("i-8", "stop x.service", "recover.mail", "9"))
    inherited = settle(State(History()), *ends)
    assert inherited.history == History() and inherited.purges == {}
    assert [record.id for record in inherited.records] == ["i-7", "i-8"]
    assert all("judge the host anew" in str(record.result) for record in inherited.records)


def test_a_purge_that_was_cut_short_is_finished_and_takes_nothing_more() -> None:
    inherited = settle(State(History(), purging={"old name": "/var/spool/vscan"}))
    assert inherited.purges == {"vscan": "/var/spool/vscan"}
    assert [intent.action for intent in finish_purges(inherited.purges, "1-1")] == [Purge("vscan", 0)]
    assert settle(State(History())).purges == {}


def test_trash_of_a_spool_that_no_policy_names_any_more_is_told() -> None:
    inherited = settle(State(History(), purging={"gone": "/var/spool/gone"}))
    assert inherited.purges == {}
    assert "/var/spool/gone" in str(inherited.records[0].result)


FREEZING = policy(noun("hog"), noun("scan"), noun("other"), Limit("hog", "hog", rss=mib(100), then=Then.FREEZE),
                  Limit("kill", "other", rss=mib(100)), Recover("r", (), (step(Verb.FREEZE, "scan"),)))


def adopted(comm: str, state: str = "T", tty: int = 0, **rest: bool) -> dict[ProcessId, str]:
    process = Process(ProcessId(7, 70), 1, comm, state, tty=tty)
    found = Snapshot(Clock(1000.0, 100.0), processes={7: process})
    return dict(inherit(State(History(), **rest), (), FREEZING, found).history.frozen)  # type: ignore[arg-type]


def test_whoever_a_freezing_rule_is_about_and_stands_still_counts_as_frozen() -> None:
    assert adopted("hog") == {ProcessId(7, 70): "limit.hog"}
    assert adopted("scan") == {ProcessId(7, 70): "recover.r"}


@pytest.mark.parametrize("whose", [
    {"comm": "other"}, {"comm": "hog", "state": "t"}, {"comm": "hog", "state": "S"}, {"comm": "hog", "tty": 34816},
    {"comm": "hog", "complete": True}, {"comm": "hog", "reboot": True}])
def test_one_that_somebody_else_stopped_stays_stopped(whose: dict[str, object]) -> None:
    """No rule that freezes, a debugger, running, a terminal's; or the daemon ended well, or nobody survived a boot."""
    assert adopted(**whose) == {}  # type: ignore[arg-type]


def kill_at(world: World, moment: int, acts: int) -> World:
    """Killed at that moment, after so many acts of the tick (-1: before anything was saved), and once more later."""
    world.ticks(moment)
    world.tick(killed_after=acts)
    world.tick(killed_after=acts)
    return world


MOMENTS = [(moment, acts) for moment in range(14) for acts in (-1, 0, 1, 9)]


@pytest.mark.parametrize(("moment", "acts"), MOMENTS)
def test_a_frozen_process_is_continued_whenever_the_daemon_was_killed(moment: int, acts: int) -> None:
    world = World(policy(noun("hog"), Limit("hog", "hog", rss=mib(100), then=Then.FREEZE)))
    hog = world.spawn("hog", rss_mib=200)
    world.ticks(2)
    world.tick(0.5)
    hog.rss_mib = 200 if moment < 7 else 10  # the second half: in the middle of the thaw
    kill_at(world, moment % 7, acts)
    hog.rss_mib = 10
    world.ticks(15)
    assert hog.state == "S" and world.history.frozen == {} and world.history.thawing == {}


def test_a_process_frozen_in_an_emergency_before_anything_was_saved_is_found_on_the_host() -> None:
    world = World(policy(noun("hog"), noun("first"), Emergency(), Limit("hog", "hog", rss=mib(100), then=Then.FREEZE)))
    world.tick()
    hog = world.spawn("hog", rss_mib=200)
    world.spawn("first", rss_mib=700, ignores_term=True)
    world.swap_used_mib = 512
    world.until(lambda: hog.state == "T", most=20, seconds=0.1)
    assert world.history.emergency is not None
    assert str(hog.pid) not in world.saved, "nothing is saved in these seconds"
    world.crash()
    world.swap_used_mib, hog.rss_mib = 0, 10
    world.ticks(3)
    assert hog.state == "S"


@pytest.mark.parametrize(("moment", "acts"), MOMENTS)
def test_a_score_goes_back_to_what_it_was_whenever_the_daemon_was_killed(moment: int, acts: int) -> None:
    protecting = policy(noun("db"), Protect("db", "db", oom_score_adj=-900))
    world = World(protecting)
    db = world.spawn("db", adj=30)
    world.ticks(moment % 7)
    world.policy = protecting if moment < 7 else policy(noun("db"))  # the second half: in the middle of the return
    kill_at(world, 0, acts)
    world.policy = policy(noun("db"))
    world.ticks(70)
    assert db.adj == 30 and world.history.adjusted == {}


@pytest.mark.parametrize(("moment", "acts"), MOMENTS)
def test_a_unit_gets_its_bounds_back_whenever_the_daemon_was_killed(moment: int, acts: int) -> None:
    bounding = policy(noun("hog"), Limit("hog", "hog", rss=mib(100), then=Then.CONTAIN, memory_high=mib(64)))
    world = World(bounding)
    unit = world.service("app")
    before = unit.memory_high
    world.spawn("hog", rss_mib=200, unit="app.service")
    world.ticks(moment % 7)
    world.policy = bounding if moment < 7 else policy(noun("hog"))
    kill_at(world, 0, acts)
    world.policy = policy(noun("hog"))
    world.ticks(90)
    assert unit.memory_high == before and world.history.contained == {}


@pytest.mark.parametrize(("moment", "acts"), MOMENTS)
def test_no_trash_is_left_whenever_the_daemon_was_killed(moment: int, acts: int) -> None:
    world = World(policy(noun("sign"), SpoolNoun("s", "/s", ("*",), 60.0),
                         Recover("r", (when(ProcessesAre("sign", count_above=0)),), (step(Verb.PURGE, "s"),))))
    world.spools["s"] = Spool(100, 90, purge_takes=5.0)
    sign = world.spawn("sign")
    kill_at(world, moment, acts)
    del world.procs[sign.pid]
    world.ticks(20)
    assert world.spools["s"].trash == 0


def test_a_crash_before_the_act_of_giving_back_is_found_by_the_next_life() -> None:
    """What is saved before CONT or before the former score is written still holds the debt."""
    world = World(policy(noun("hog"), noun("db"), Protect("db", "db", oom_score_adj=-900),
                         Limit("hog", "hog", rss=mib(100), then=Then.FREEZE)))
    hog, db = world.spawn("hog", rss_mib=200), world.spawn("db")
    world.ticks(3)
    hog.rss_mib = 10
    world.policy = replace(world.policy, protects={})
    intents = world.tick(killed_after=0).intents
    assert {type(intent.action) for intent in intents} == {Signal, SetOomScoreAdj}
    saved = from_plain(json.loads(world.saved), History())
    assert hog.id in saved.history.frozen and db.id in saved.history.adjusted
    world.ticks(2)
    assert hog.state == "S" and db.adj == 0 and world.signals(hog) == [SignalName.STOP, SignalName.CONT]


def test_every_state_of_a_recovery_comes_back_from_json_as_it_was_owed() -> None:
    world = World(policy(ServiceNoun("front", "front.service", ("front.socket",)), noun("sign"),
                         Recover("r", (when(ProcessesAre("sign", count_above=0)),),
                                 (step(Verb.STOP, "front"), step(Verb.WAIT, within=3.0),
                                  step(Verb.START, stopped=True)))))
    world.service("front")
    world.service("front.socket")
    world.spawn("sign")
    for _ in range(25):
        world.tick()
        state = world.history.recoveries["r"]
        plain = json.loads(json.dumps(to_plain("boot", world.history, {})))
        back = from_plain(plain, History())
        assert back.history.recoveries["r"].owed == state.stopped
        assert back.history.recoveries["r"].owed_triggers == state.stopped_triggers
        units = dict.fromkeys(state.stopped, ("front.service", "front.socket"))
        assert dict(back.history.recoveries["r"].units) == units
        assert set(back.unclosed) == ({"r"} if state.run is not None else set())

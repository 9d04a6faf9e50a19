"""When a recovery runs, rests, holds and re-arms; whole incidents on a simulated host."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import mib, noun, percent, policy, snapshot, step, when
from tests.core.world import Spool, Unit, World
from watchdog_oom.core.actions import SignalName
from watchdog_oom.core.condition import Finding, SnapshotView, verdict
from watchdog_oom.core.conditions.kernel import KernelOomKill
from watchdog_oom.core.conditions.memory import MemoryAvailableBelow
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.conditions.service import ServiceIs
from watchdog_oom.core.conditions.spool import SpoolIs
from watchdog_oom.core.history import Recovery
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.nouns import ServiceNoun, SpoolNoun, TcpProbe
from watchdog_oom.core.pause import Pause
from watchdog_oom.core.policy import Clause, Hours, Mode, Policy, Recover, Verb
from watchdog_oom.core.rules.recovery.trigger import clause_findings, deciding_findings, wait_seconds
from watchdog_oom.core.view import View

STEPS = (step(Verb.STOP, "amavis", "clamd"), step(Verb.KILL, "clamscan"), step(Verb.PURGE, "vscan"),
         step(Verb.START, stopped=True), step(Verb.VERIFY, "amavis"))
WEDGED = when(ProcessesAre("clamscan", runtime_above=1200.0))


def mail_policy(*, clauses: tuple[Clause, ...] = (WEDGED,), **rest: object) -> Policy:
    return policy(
        noun("clamscan"), noun("mysqld"), SpoolNoun("vscan", "/var/spool/vscan/tmp", ("amavis-*",), 3600.0),
        ServiceNoun("amavis", "amavis.service", ("amavis.socket",), stable_for_seconds=5.0,
                    probe=TcpProbe("127.0.0.1", 10024)),
        ServiceNoun("clamd", "clamd.service"),
        Recover("amavis", clauses, STEPS, **rest))  # type: ignore[arg-type]


def mail_server(rules: Policy | None = None) -> World:
    """The night of the incident: five wedged scanners and a spool full of stale files."""
    world = World(rules or mail_policy())
    world.service("amavis", stop_takes=3.0)
    world.service("clamd")
    world.service("amavis.socket", activates="amavis.service")
    world.spools["vscan"] = Spool(entries=5000, stale=4990)
    for _ in range(5):
        world.spawn("clamscan", age=3000.0, ignores_term=True, rss_mib=40)
    return world


@dataclass(frozen=True)
class Told:
    """A condition that finds what it is told to, and counts how often it is asked."""

    finding: Finding
    asked: list[Finding] = field(default_factory=list)

    def find(self, view: SnapshotView) -> Finding:
        self.asked.append(self.finding)
        return self.finding


@given(st.lists(st.builds(Finding, st.booleans(), st.just("words"), st.booleans()), max_size=5))
def test_what_decides_a_clause_says_of_it_what_all_of_it_says_and_asks_for_nothing_more(told: list[Finding]) -> None:
    conditions = [Told(finding) for finding in told]
    clause, view = when(*conditions), View(snapshot(), policy())
    found = deciding_findings(clause, view)
    assert found == tuple(told[:len(found)]) and sum(len(each.asked) for each in conditions) == len(found)
    assert verdict(found) is verdict(clause_findings(clause, view))
    if verdict(found) is not False:
        assert found == tuple(told)
    else:
        assert verdict(found[:-1]) is not False


def test_the_incident_is_ended_from_the_first_sign_to_the_verified_service() -> None:
    world = mail_server()
    world.until(lambda: bool(world.said("closed: success")))
    assert world.done == ["stop amavis.socket", "stop amavis.service", "stop clamd.service", "purge vscan",
                          "start clamd.service", "start amavis.socket", "start amavis.service", "probe amavis"]
    assert world.signals() == [SignalName.TERM] * 5 + [SignalName.KILL] * 5
    assert not any(process.comm == "clamscan" for process in world.procs.values())
    assert world.status("amavis") is world.status("amavis.socket") is world.status("clamd") is ServiceStatus.ACTIVE
    assert world.spools["vscan"].stale == 0
    assert [note.action for note in world.said("verified:")] == [
        "1. stop amavis, clamd", "2. kill clamscan", "3. purge vscan", "4. start what was stopped", "5. verify amavis"]
    assert world.trouble == []


def test_all_news_of_one_run_carry_one_incident_and_the_evidence() -> None:
    world = mail_server()
    world.until(lambda: bool(world.said("closed: success")))
    notes = [note for note in world.notes if note.rule == "recover.amavis"]
    assert len({note.incident for note in notes}) == 1 and notes[0].incident
    assert notes[0].result == "opened" and "has run for" in notes[0].because[0]


def test_a_clause_must_hold_for_its_time_before_anything_is_done() -> None:
    world = mail_server(mail_policy(clauses=(replace(WEDGED, for_seconds=15.0),)))
    world.ticks(15)
    assert not world.running("amavis")
    world.ticks(1)
    assert world.running("amavis")
    assert "(for 15s)" in world.said("opened")[0].because[0]


def test_all_conditions_of_a_clause_must_hold_and_any_clause_will_do() -> None:
    both = when(MemoryAvailableBelow(percent(1.0)), ProcessesAre("clamscan", count_above=4))
    world = mail_server(mail_policy(clauses=(both,)))
    world.ticks(5)
    assert not world.running("amavis")
    world = mail_server(mail_policy(clauses=(both, WEDGED)))
    world.ticks(1)
    assert world.running("amavis")


def test_a_clause_that_stops_holding_begins_anew() -> None:
    world = mail_server(mail_policy(clauses=(when(MemoryAvailableBelow(mib(2000)), lasting=10.0),)))
    world.ticks(8)
    world.ram_mib = 4096
    world.ticks(1)
    world.ram_mib = 1024
    world.ticks(8)
    assert not world.running("amavis")
    world.ticks(3)
    assert world.running("amavis")


def test_a_bad_reading_neither_fires_nor_resets_and_its_time_does_not_count() -> None:
    world = mail_server(mail_policy(clauses=(when(MemoryAvailableBelow(mib(2000)), lasting=10.0),)))
    world.ticks(8)                       # it has held for 7 s
    world.memory_readable = False
    world.ticks(600)
    assert not world.running("amavis")
    world.memory_readable = True
    world.ticks(2)
    assert not world.running("amavis")   # 9 s
    world.ticks(1)
    assert world.running("amavis")


def test_a_bad_reading_before_the_first_good_one_leaves_nothing_behind() -> None:
    world = mail_server(mail_policy(clauses=(when(MemoryAvailableBelow(mib(2000)), lasting=10.0),)))
    world.memory_readable = False
    world.ticks(30)
    world.memory_readable = True
    world.ticks(10)
    assert not world.running("amavis")


def test_observed_only_reports_once_an_hour_what_it_would_do() -> None:
    world = mail_server(mail_policy(mode=Mode.OBSERVE))
    world.ticks(400, 10.0)
    said = world.said("observed only: would stop amavis.socket, amavis.service, clamd.service; would TERM clamscan[")
    assert said[0].result.endswith(
        "; would purge vscan (4990 of 5000 entries in /var/spool/vscan/tmp are stale); would start what was stopped; "
        "would verify amavis.service")
    assert len(said) == 2 and "has run for" in said[0].because[0]
    assert world.sent == [] and world.done == []


def test_outside_its_hours_it_only_reports_and_inside_it_acts() -> None:
    world = mail_server(mail_policy(hours=Hours(22 * 60, 6 * 60)))
    world.minute = 12 * 60
    world.ticks(10)
    assert len(world.said("outside its hours (22:00-06:00)")) == 1 and not world.running("amavis")
    world.minute = 5 * 60 + 59
    world.ticks(1)
    assert world.running("amavis")


def test_what_the_operator_had_stopped_stays_stopped() -> None:
    world = mail_server()
    world.units["clamd.service"].status = ServiceStatus.INACTIVE
    world.until(lambda: bool(world.said("closed: success")))
    assert world.status("clamd") is ServiceStatus.INACTIVE
    assert not any("clamd" in what for what in world.done)
    assert world.status("amavis") is ServiceStatus.ACTIVE


def test_what_the_operator_is_stopping_while_the_run_begins_stays_stopped() -> None:
    world = mail_server()
    world.units["clamd.service"].status = ServiceStatus.CHANGING
    world.ticks(4)
    world.units["clamd.service"].status = ServiceStatus.INACTIVE
    world.until(lambda: bool(world.said("closed: success")))
    assert world.status("clamd") is ServiceStatus.INACTIVE


def test_a_service_that_never_settles_does_not_hold_up_the_survey_for_ever() -> None:
    world = mail_server()
    world.units["clamd.service"].status = ServiceStatus.CHANGING
    world.until(lambda: "stop clamd.service" in world.done, most=30)


def test_a_missing_unit_is_left_alone_and_the_rest_goes_on() -> None:
    world = mail_server()
    del world.units["clamd.service"]
    world.until(lambda: bool(world.said("closed: success")))
    assert world.status("amavis") is ServiceStatus.ACTIVE


def test_a_service_manager_that_does_not_answer_fails_the_run_and_nothing_was_touched() -> None:
    world = mail_server()
    world.tick()
    for _ in range(31):
        world._watch = replace(world._watch, services=frozenset())
        world.tick()
    assert "does not report the state of amavis, amavis.socket, clamd" in world.said("closed: failed")[0].result
    assert world.done == [] and world.sent == []


def test_a_failed_service_revives_it_and_so_does_only_it() -> None:
    rules = mail_policy(clauses=(when(ServiceIs("amavis", failed=True)),))
    world = mail_server(rules)
    world.units["amavis.service"].status = ServiceStatus.INACTIVE
    world.ticks(20)
    assert not world.running("amavis")
    world.units["amavis.service"].status = ServiceStatus.FAILED
    world.until(lambda: bool(world.said("closed: success")))
    assert world.status("amavis") is ServiceStatus.ACTIVE


def revive_policy(which: str | None = "mysqld") -> Policy:
    return policy(noun("mysqld"), ServiceNoun("db", "db.service"),
                  Recover("db", (when(KernelOomKill(which)),), (step(Verb.START, "db"), step(Verb.VERIFY, "db"))))


def test_a_kernel_kill_of_the_named_process_revives_even_a_service_that_looks_stopped() -> None:
    world = World(revive_policy())
    world.service("db")
    mysqld = world.spawn("mysqld")
    world.ticks(3)
    world.kernel_kills(mysqld)
    world.units["db.service"].status = ServiceStatus.INACTIVE  # an init script cannot tell dead from stopped
    world.until(lambda: bool(world.said("closed: success")), most=20)
    assert world.status("db") is ServiceStatus.ACTIVE
    world.ticks(600)
    assert len(world.said("opened")) == 1, "one kill, one run"


def test_a_kernel_kill_of_just_anybody_does_not_start_what_the_operator_stopped() -> None:
    world = World(revive_policy(None))
    world.service("db")
    world.units["db.service"].status = ServiceStatus.INACTIVE
    world.kernel_kills(world.spawn("python3"))
    world.until(lambda: bool(world.said("closed: success")), most=20)
    assert world.status("db") is ServiceStatus.INACTIVE


def test_a_kernel_kill_during_the_rest_is_heard_when_the_rest_is_over() -> None:
    world = World(revive_policy())
    world.service("db")
    world.kernel_kills(world.spawn("mysqld"))
    world.until(lambda: bool(world.said("closed: success")))
    world.kernel_kills(world.spawn("mysqld"))
    world.ticks(250)
    assert len(world.said("opened")) == 1
    world.ticks(100)
    assert len(world.said("opened")) == 2


def relapsing(world: World) -> None:
    """Scanners wedge again as soon as there are none."""
    if not any(process.comm == "clamscan" for process in world.procs.values()):
        world.spawn("clamscan", age=3000.0)


@pytest.mark.slow
def test_between_two_runs_it_rests_and_longer_each_time_it_did_not_help() -> None:
    world = mail_server(mail_policy(attempts=100, cooldown_seconds=300.0))
    begun: list[float] = []
    ended: list[float] = []
    for _ in range(6000):
        relapsing(world)
        plan = world.tick(5.0)
        begun += [world.now for note in plan.notes if note.result == "opened"]
        ended += [world.now for note in plan.notes if note.result.startswith("closed")]
    rests = [start - end for start, end in zip(begun[1:], ended, strict=False)]
    assert [round(rest, -2) for rest in rests[:6]] == [300.0, 600.0, 1200.0, 2400.0, 3600.0, 3600.0]


def test_a_moment_of_calm_within_the_rest_is_no_help_but_calm_at_its_end_is() -> None:
    world = mail_server(mail_policy(attempts=100, cooldown_seconds=300.0))
    world.until(lambda: bool(world.said("closed: success")))
    world.ticks(100)
    assert world.history.recoveries["amavis"].unhelped == 1
    relapsing(world)
    world.until(lambda: len(world.said("closed: success")) == 2)
    assert world.history.recoveries["amavis"].unhelped == 2
    world.ticks(610)
    assert world.history.recoveries["amavis"].unhelped == 0


def test_the_rest_doubles_to_an_hour_at_most_and_a_longer_cooldown_stays() -> None:
    recover = Recover("r", (), (), cooldown_seconds=300.0)
    rests = [wait_seconds(recover, Recovery(unhelped=count)) for count in (0, 1, 2, 3, 4, 5, 60)]
    assert rests == [300.0, 300.0, 600.0, 1200.0, 2400.0, 3600.0, 3600.0]
    assert wait_seconds(replace(recover, cooldown_seconds=7200.0), Recovery(unhelped=9)) == 7200.0


def test_after_its_attempts_it_holds_says_so_every_hour_and_re_arms() -> None:
    world = mail_server(mail_policy(attempts=2, cooldown_seconds=1.0, per_seconds=3 * 3600.0))

    def held() -> bool:
        relapsing(world)
        return bool(world.said("held: 2 attempts in 3h did not help"))
    world.until(held)
    assert len(world.said("opened")) == 2
    world.ticks(1050, 10.0)
    assert len(world.said("opened")) == 2 and len(world.said("held:")) == 3
    world.until(lambda: bool(world.said("re-armed")), most=100, seconds=10.0)
    world.until(lambda: len(world.said("opened")) == 3, most=2)


def test_a_new_hold_is_told_even_when_the_last_one_is_less_than_an_hour_ago() -> None:
    world = mail_server(mail_policy(attempts=1, cooldown_seconds=1.0, per_seconds=600.0))

    def held_twice() -> bool:
        relapsing(world)
        return len(world.said("held:")) == 2
    world.until(held_twice, most=1500)
    assert world.now < 10_000.0 + 3600.0


def _with_text(fingerprint: str, **rest: Any) -> Policy:
    rules = mail_policy(**rest)
    return replace(rules, recovers={"amavis": replace(rules.recovers["amavis"], fingerprint=fingerprint)})


def test_a_changed_rule_is_a_new_one_and_the_same_text_is_not() -> None:
    always = when(MemoryAvailableBelow(percent(100.0)))
    rest: dict[str, Any] = {"clauses": (always,), "attempts": 1, "cooldown_seconds": 60.0}
    world = mail_server(_with_text("a", **rest))
    world.units["amavis.service"].answers = False
    world.until(lambda: bool(world.said("held:")))
    started = world.history.recoveries["amavis"].started
    world.policy = _with_text("a", **rest)
    world.ticks(5)
    assert world.history.recoveries["amavis"].started == started
    world.policy = _with_text("b", **rest)
    world.tick()
    assert len(world.said("the rule has changed")) == 1
    state = world.history.recoveries["amavis"]
    assert state.held_since is None and state.ended is None and state.unhelped == 0
    assert state.run is not None
    world.units["amavis.service"].answers = True
    world.until(lambda: bool(world.said("closed: success")))


def test_the_time_a_clause_must_hold_begins_anew_with_its_text() -> None:
    lasting = Clause((ProcessesAre("clamscan", runtime_above=1200.0),), 30.0)
    world = mail_server(_with_text("a", clauses=(lasting,)))
    world.ticks(25)
    world.policy = _with_text("b", clauses=(lasting,))
    world.ticks(25)
    assert not world.said("opened")
    world.until(lambda: bool(world.said("opened")), most=10)


def test_what_a_changed_rule_owes_is_still_started() -> None:
    world = mail_server(_with_text("a", attempts=1))
    world.units["amavis.service"].start = "fails"
    world.until(lambda: bool(world.said("held:")))
    assert world.history.recoveries["amavis"].owed == ("amavis",)
    world.units["amavis.service"].start = "ok"
    world.policy = _with_text("b", attempts=1)
    world.until(lambda: world.status("amavis") is ServiceStatus.ACTIVE)


def test_attempts_older_than_per_do_not_count() -> None:
    world = mail_server(mail_policy(attempts=2, cooldown_seconds=1.0, per_seconds=1000.0))
    for run in range(1, 5):
        relapsing(world)
        world.until(lambda run=run: len(world.said("closed: success")) == run)  # type: ignore[misc]
        world.ticks(600)
    assert world.said("held:") == []


def test_a_service_that_does_not_start_is_owed_tried_again_held_and_started_when_it_can_be() -> None:
    world = mail_server(mail_policy(attempts=2, cooldown_seconds=60.0, per_seconds=2 * 3600.0))
    world.units["amavis.service"].start = "fails"
    world.until(lambda: bool(world.said("still down: amavis")))
    assert world.status("clamd") is ServiceStatus.ACTIVE
    assert world.history.recoveries["amavis"].owed == ("amavis",)
    world.until(lambda: bool(world.said("held:")))
    assert world.units["amavis.service"].starts == 2
    assert "amavis was stopped by this recovery" in world.said("held:")[0].because[0]
    world.units["amavis.service"].start = "ok"
    world.until(lambda: world.status("amavis") is ServiceStatus.ACTIVE, most=800, seconds=10.0)
    world.until(lambda: world.status("amavis.socket") is ServiceStatus.ACTIVE, most=3)
    world.until(lambda: bool(world.said("closed: success")), most=3)
    assert not world.history.recoveries["amavis"].owed


@pytest.mark.parametrize("later", [{"hours": Hours(0, 1)}, {"mode": Mode.OBSERVE}])
def test_a_debt_is_paid_outside_the_hours_and_when_only_observing_but_nothing_else_is_done(
        later: dict[str, Any]) -> None:
    world = mail_server(mail_policy(cooldown_seconds=60.0))
    world.units["amavis.service"].start = "fails"
    world.until(lambda: bool(world.said("still down: amavis")))
    world.units["amavis.service"].start = "ok"
    world.policy = mail_policy(cooldown_seconds=60.0, **later)
    before = len(world.done)
    relapsing(world)
    world.until(lambda: world.status("amavis.socket") is ServiceStatus.ACTIVE, most=100)
    assert set(world.done[before:]) <= {"start amavis.service"}, "its socket listens since the first try"
    world.until(lambda: world.status("amavis") is ServiceStatus.ACTIVE, most=100)


def test_a_debt_outlives_the_rule_and_the_noun_that_made_it() -> None:
    world = mail_server(mail_policy(cooldown_seconds=60.0))
    world.units["amavis.service"].start = "fails"
    world.until(lambda: bool(world.said("still down: amavis")))
    world.units["amavis.service"].start = "ok"
    world.units["amavis"] = world.units["amavis.service"]  # the manager knows the unit by both names
    world.policy = policy()
    world.until(lambda: world.status("amavis") is ServiceStatus.ACTIVE, most=400)


def test_a_run_whose_rule_is_taken_away_turns_back_at_once() -> None:
    world = mail_server()
    world.until(lambda: world.status("clamd") is ServiceStatus.INACTIVE)
    world.policy = replace(world.policy, recovers={})
    world.until(lambda: not world.running("amavis"), most=20)
    assert world.status("amavis") is world.status("clamd") is world.status("amavis.socket") is ServiceStatus.ACTIVE
    assert "its policy was changed" in world.said("closed: failed")[0].result


def test_a_run_whose_steps_are_changed_turns_back_at_once() -> None:
    world = mail_server()
    world.until(lambda: world.status("clamd") is ServiceStatus.INACTIVE)
    changed = replace(world.policy.recovers["amavis"], steps=STEPS[1:])
    world.policy = replace(world.policy, recovers={"amavis": changed})
    world.until(lambda: bool(world.said("its policy was changed")), most=20)
    assert world.status("amavis") is world.status("clamd") is ServiceStatus.ACTIVE


def test_the_states_of_services_in_clauses_are_always_asked_for() -> None:
    world = mail_server(mail_policy(clauses=(when(ServiceIs("amavis", failed=True)),)))
    assert world.tick().watch.services == {"amavis"}
    assert not world.tick().watch.often


def test_a_jump_of_the_date_by_a_day_changes_nothing() -> None:
    still, jumping = mail_server(), mail_server()
    for count in range(100):
        if count in (5, 20):
            jumping.wall += 86400.0 if count == 5 else -2 * 86400.0
        assert still.tick() == jumping.tick()
    assert still.said("closed: success")


def test_two_recoveries_run_beside_each_other() -> None:
    other = Recover("db", (when(ServiceIs("db", failed=True)),), (step(Verb.START, "db"),))
    rules = mail_policy()
    rules = replace(rules, services={**rules.services, "db": ServiceNoun("db", "db.service")},
                    recovers={**rules.recovers, "db": other})
    world = mail_server(rules)
    world.service("db").status = ServiceStatus.FAILED
    world.until(lambda: len(world.said("closed: success")) == 2, most=100)
    assert world.status("db") is world.status("amavis") is ServiceStatus.ACTIVE


def test_a_bad_reading_at_the_end_of_the_rest_is_no_sign_of_help() -> None:
    world = mail_server(mail_policy(clauses=(when(MemoryAvailableBelow(mib(2000))),), cooldown_seconds=60.0))
    world.until(lambda: bool(world.said("closed: success")))
    world.memory_readable = False
    world.ticks(100)
    assert world.history.recoveries["amavis"].unhelped == 1
    world.memory_readable, world.ram_mib = True, 4096
    world.tick()
    assert world.history.recoveries["amavis"].unhelped == 0


def purging(*more: Verb, **spool: Any) -> World:
    world = World(policy(SpoolNoun("vscan", "/vscan", ("*",), 3600.0),
                         Recover("r", (when(SpoolIs("vscan", entries_above=100)),),
                                 (step(Verb.PURGE, "vscan"), *(step(verb, "vscan") for verb in more)))))
    world.spools["vscan"] = Spool(entries=200, **spool)
    return world


def test_a_purge_alone_is_not_tried_while_nothing_is_stale_and_that_is_told_once_an_hour() -> None:
    world = purging()
    world.ticks(370, 10.0)
    assert not world.said("opened") and not world.said("held")
    assert [note.result for note in world.notes] == 2 * [
        "nothing to clear: no entry of vscan is stale; it waits until one is"]
    world.spools["vscan"].stale = 150
    world.until(lambda: bool(world.said("closed: success")))
    assert world.spools["vscan"].entries == 50


def test_a_purge_that_could_clear_nothing_since_all_is_in_use_is_no_attempt_that_failed() -> None:
    world = purging(stale=150, in_use=True)
    world.ticks(200, 30.0)
    assert not world.said("held") and len(world.said("closed: success")) > 3
    world.spools["vscan"].in_use = False
    world.until(lambda: world.spools["vscan"].stale == 0, most=4000)


def test_a_purge_that_cleared_something_and_did_not_help_is_an_attempt() -> None:
    world = purging(stale=150)
    for _ in range(300):
        world.tick(10.0)
        world.spools["vscan"].entries, world.spools["vscan"].stale = 200, 150
    assert world.said("held: 3 attempts")


def leaking(held_mib: int | None = 3500) -> tuple[World, Unit]:
    """A Java service that must not hold over 3 GiB for ten minutes."""
    rules = policy(ServiceNoun("app", "app.service"), Recover(
        "app", (when(ServiceIs("app", memory_above=mib(3072)), lasting=600.0),), (step(Verb.RESTART, "app"),)))
    world = World(rules, ram_mib=8192)
    return world, world.service("app", held_mib=held_mib, cache_mib=420)


def test_a_service_that_holds_too_much_for_long_is_restarted_and_the_evidence_says_how_much() -> None:
    world, app = leaking()
    world.ticks(595)
    assert world.done == []
    world.until(lambda: app.starts == 1, most=20)
    app.held_mib = 400
    world.until(lambda: bool(world.said("closed: success")), most=20)
    assert world.said("opened")[0].because == (
        "app.service holds 3.4 GiB (threshold 3 GiB; 420 MiB of file cache not counted) (for 10min)",)


def test_a_moment_below_the_threshold_starts_the_time_anew_and_one_that_is_not_known_only_stops_it() -> None:
    world, app = leaking()
    world.ticks(500)
    app.held_mib = None
    world.ticks(500)
    app.held_mib = 3500
    world.ticks(90)
    assert app.starts == 0  # the time without a reading does not count
    world.until(lambda: app.starts == 1, most=20)
    world, app = leaking()
    world.ticks(590)
    app.held_mib = 3072
    world.tick()
    app.held_mib = 3500
    world.ticks(590)
    assert app.starts == 0


def test_what_a_service_holds_is_no_reason_to_start_one_that_the_operator_has_stopped() -> None:
    """What is left in its group may hold too much; only a failure says that the service died."""
    world, app = leaking()
    app.status = ServiceStatus.INACTIVE
    world.until(lambda: bool(world.said("closed")), most=700)
    assert app.starts == 0


def test_a_service_that_was_mended_by_hand_since_it_was_last_asked_is_left_alone() -> None:
    world = mail_server(mail_policy(clauses=(when(ServiceIs("clamd", failed=True), lasting=5.0),)))
    world.units["clamd.service"].status = ServiceStatus.FAILED
    world.ticks(4)
    world.units["clamd.service"].status = ServiceStatus.ACTIVE
    world.ticks(30)
    assert world.done == [] and world.notes == []


def test_a_pause_that_ends_after_the_service_was_started_by_hand_begins_nothing() -> None:
    world = mail_server(mail_policy(clauses=(when(ServiceIs("clamd", failed=True), lasting=5.0),)))
    world.history = replace(world.history, pauses={"recover.amavis": Pause(world.now + 20.5, 0.0, "root")})
    world.units["clamd.service"].status = ServiceStatus.FAILED
    world.ticks(19)
    world.units["clamd.service"].status = ServiceStatus.ACTIVE
    world.ticks(30)
    assert world.done == [] and not world.said("opened")
    world.units["clamd.service"].status = ServiceStatus.FAILED
    world.until(lambda: bool(world.said("opened")), most=30)

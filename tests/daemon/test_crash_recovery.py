from __future__ import annotations

from watchdog_oom.core.actions import StartUnit
from watchdog_oom.core.history import History, Phase, Recovery
from watchdog_oom.core.nouns import ServiceNoun
from watchdog_oom.core.policy import Policy, Recover
from watchdog_oom.daemon.crash_recovery import settle
from watchdog_oom.journal.unfinished import Unfinished

POLICY = Policy(services={name: ServiceNoun(name, f"{name}.service", triggers=(f"{name}.socket",))
                          for name in ("amavis", "clamd")},
                recovers={"mail": Recover("mail", (), ())})


def stopped(service: str, rule: str = "recover.mail") -> Unfinished:
    return Unfinished("i-1", f"stop {service}.service", rule, "mail-1", f"{service}.service", service)


def test_what_a_dead_daemon_stopped_becomes_a_run_that_only_goes_the_way_back() -> None:
    inherited = settle((stopped("amavis"), stopped("clamd")), POLICY, History(), 100.0)
    run = inherited.history.recoveries["mail"].run
    assert run is not None
    assert run.phase is Phase.COMPENSATE
    assert run.stopped == ("amavis", "clamd")
    assert run.incident == "mail-1", "the incident goes on, so its end settles the debt in the journal"
    assert len(inherited.records) == 2
    assert inherited.intents == ()


def test_holds_and_attempts_do_not_keep_the_services_down() -> None:
    held = History(recoveries={"mail": Recovery(started=(1.0, 2.0, 3.0), held_since=4.0, owed=("clamd",))})
    state = settle((stopped("amavis"),), POLICY, held, 100.0).history.recoveries["mail"]
    assert state.run is not None
    assert state.run.stopped == ("clamd", "amavis")
    assert state.held_since == 4.0
    assert state.owed == ()


def test_a_unit_that_no_recovery_of_today_answers_for_is_started_all_the_same() -> None:
    inherited = settle((stopped("old", "recover.gone"),), POLICY, History(), 100.0)
    assert [intent.action for intent in inherited.intents] == [StartUnit("old.service", "old")]


def test_an_act_without_an_outcome_is_told_and_left_to_the_rules() -> None:
    signal = Unfinished("i-7", "KILL hog[12]", "limit.hog", None)
    inherited = settle((signal,), POLICY, History(), 100.0)
    assert inherited.history == History()
    assert inherited.records[0].id == "i-7"
    assert "judge the host anew" in str(inherited.records[0].result)


def test_no_record_of_taking_over_a_debt_looks_like_its_payment() -> None:
    records = settle((stopped("amavis"), stopped("old", "recover.gone")), POLICY, History(), 1.0).records
    assert all(record.step is None and record.target is None for record in records)


def test_a_trigger_that_was_left_stopped_is_owed_with_its_service() -> None:
    socket = Unfinished("i-2", "stop amavis.socket", "recover.mail", "mail-1", "amavis.socket", "amavis")
    run = settle((socket, stopped("amavis")), POLICY, History(), 100.0).history.recoveries["mail"].run
    assert run is not None
    assert run.stopped == ("amavis",)
    assert run.triggers == ("amavis.socket",)

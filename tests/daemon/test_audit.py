from __future__ import annotations

from tests.miniature.daemon import MakeDaemon
from watchdog_oom.core.actions import (
    Intent,
    Note,
    NoteKind,
    Probe,
    Purge,
    Refusal,
    RunCommand,
    SetOomScoreAdj,
    Signal,
    SignalName,
    StopUnit,
)
from watchdog_oom.core.model import Clock, Facts, Process, ProcessId, Snapshot
from watchdog_oom.core.nouns import ServiceNoun, SpoolNoun
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.core.policy import Policy
from watchdog_oom.daemon.audit import AuditTrail
from watchdog_oom.journal.record import Record
from watchdog_oom.journal.reserve import AHEAD_BYTES
from watchdog_oom.lean_dataclasses import replace

HOG = Process(ProcessId(7, 70), 1, "hog", rss_bytes=5 << 20, started_boottime=40.0, facts=Facts(exe="/bin/hog", uid=9))
SNAPSHOT = Snapshot(Clock(1000.0, 100.0), processes={7: HOG})
POLICY = Policy(services={"db": ServiceNoun("db", "mariadb.service")},
                spools={"s": SpoolNoun("s", "/var/spool/s", ("*",), 60.0)})


class Journal:
    """Two lists instead of a file: what was appended and what was only queued."""

    def __init__(self) -> None:
        self.appended: list[Record] = []
        self.queued: list[Record] = []
        self.read: list[int] = []
        self.audit_trail = AuditTrail(self.appended.append, self.queued.append, self.all_facts)

    def all_facts(self, process: Process) -> Process:
        self.read.append(process.pid)
        return process


def intent(step: object, *, urgent: bool = False) -> Intent:
    return Intent("i-1", step, "limit.hog", ("too big",), "inc", urgent)  # type: ignore[arg-type]


def test_intent_and_outcome_are_two_records_with_one_id_and_the_same_target() -> None:
    journal = Journal()
    journal.audit_trail.intent(intent(Signal(HOG.id, "hog", SignalName.TERM)), SNAPSHOT, POLICY)
    journal.audit_trail.report(EffectReport("i-1", Outcome(True, "TERM sent"), 0.1, 100.0))
    first, second = journal.appended
    assert (first.kind, second.kind) == ("intent", "outcome")
    assert first.id == second.id == "i-1"
    assert first.target == second.target
    assert first.target is not None
    assert {"pid": 7, "start": 70, "exe": "/bin/hog", "rss": 5 << 20, "age": 60.0}.items() <= first.target.items()
    assert (first.ok, second.ok) == (None, True)
    assert second.result == "TERM sent"


def test_intents_of_which_nothing_is_heard_are_told_so_and_not_kept_for_ever() -> None:
    journal = Journal()
    for number in range(2000):
        stop = replace(intent(StopUnit("db", "mariadb.service")), id=f"i-{number}")
        journal.audit_trail.intent(stop, SNAPSHOT, POLICY)
    told = [record for record in journal.appended if record.kind == "outcome"]
    assert [record.id for record in told] == [f"i-{number}" for number in range(len(told))]
    assert 900 < len(told) < 1000
    assert {(record.ok, record.result) for record in told} == {(None, "nothing was heard of it")}
    assert journal.audit_trail.action_of("i-0") is None
    assert journal.audit_trail.action_of("i-1999") is not None


def test_an_urgent_intent_touches_neither_the_disk_nor_proc() -> None:
    journal = Journal()
    journal.audit_trail.intent(intent(Signal(HOG.id, "hog", SignalName.KILL), urgent=True), SNAPSHOT, POLICY)
    journal.audit_trail.report(EffectReport("i-1", Outcome(True, "KILL sent"), None, 100.0))
    assert journal.appended == []
    assert len(journal.queued) == 2
    assert journal.read == []


def test_another_attempt_is_told_only_if_it_comes_out_otherwise() -> None:
    journal = Journal()
    again = replace(intent(SetOomScoreAdj(HOG.id, "hog", -500)), again="not permitted")
    for outcome, kinds in ((Outcome(False, "not permitted"), []), (Outcome(False, "gone"), ["intent", "outcome"]),
                           (Outcome(True, "set", 0, -500), ["intent", "outcome"])):
        journal.audit_trail.intent(again, SNAPSHOT, POLICY)
        assert journal.appended == []
        journal.audit_trail.report(EffectReport("i-1", outcome, None, 5.0))
        assert [record.kind.value for record in journal.appended] == kinds
        journal.appended.clear()


def test_a_slow_effect_is_told_when_its_report_comes_and_only_once() -> None:
    journal = Journal()
    journal.audit_trail.intent(intent(StopUnit("mariadb.service", "db")), SNAPSHOT, POLICY)
    assert journal.audit_trail.action_of("i-1") == StopUnit("mariadb.service", "db")
    report = EffectReport("i-1", Outcome(False, "it hung"), 120.0, 100.0)
    journal.audit_trail.report(report)
    journal.audit_trail.report(report)
    assert [(record.ok, record.result) for record in journal.appended] == [(None, None), (False, "it hung")]
    assert journal.appended[0].target == {"service": "db", "unit": "mariadb.service"}


def test_what_a_purge_did_after_its_outcome_has_its_rule_and_incident() -> None:
    journal = Journal()
    journal.audit_trail.intent(intent(Purge("s", 5)), SNAPSHOT, POLICY)
    journal.audit_trail.report(EffectReport("i-1", Outcome(True, "5 entries cleared"), 0.1, 100.0, cleared=5))
    journal.audit_trail.purge_went_on("i-1", Outcome(True, "5 entries deleted"))
    journal.audit_trail.purge_went_on("nobody's", Outcome(True, "0 entries deleted"))
    last = journal.appended[-1]
    assert (last.kind, last.incident, last.rule, last.step) == ("outcome", "inc", "limit.hog", "purge s")
    assert (last.id, last.ok, last.result) == ("i-1", True, "5 entries deleted")


def test_what_is_open_at_the_end_gets_an_outcome_all_the_same() -> None:
    journal = Journal()
    journal.audit_trail.intent(intent(RunCommand(("/bin/true",), 5.0)), SNAPSHOT, POLICY)
    journal.audit_trail.abandon("the daemon stopped")
    assert journal.appended[-1].ok is None
    assert journal.appended[-1].result == "the daemon stopped"


def test_every_kind_of_step_has_a_target() -> None:
    journal = Journal()
    for step in (Purge("s", 5), Probe("db"), RunCommand(("/bin/x", "y"), 1.0)):
        journal.audit_trail.intent(intent(step), SNAPSHOT, POLICY)
    assert [record.target for record in journal.appended] == [
        {"spool": "s", "path": "/var/spool/s", "limit": 5}, {"service": "db", "unit": "mariadb.service"},
        {"argv": ("/bin/x", "y")}]


def test_refusals_and_news_are_told_with_their_reasons() -> None:
    journal = Journal()
    journal.audit_trail.refusal(
        Refusal(intent(Signal(HOG.id, "hog", SignalName.TERM)), "it is protected"), SNAPSHOT, POLICY
    )
    journal.audit_trail.note(Note(NoteKind.INCIDENT, "recover.x", "opened", ("low",), "inc"), SNAPSHOT)
    journal.audit_trail.note(
        Note(NoteKind.OUTCOME, "limit.hog", "ended after TERM", target=HOG.id, comm="hog"), SNAPSHOT
    )
    assert [(r.kind, r.result) for r in journal.appended] == [
        ("refused", "refused: it is protected"), ("incident", "opened"), ("outcome", "ended after TERM")]
    assert journal.appended[2].target is not None
    assert journal.appended[2].target["pid"] == 7


def test_a_target_that_is_gone_is_still_named() -> None:
    journal = Journal()
    journal.audit_trail.intent(intent(Signal(ProcessId(8, 80), "gone", SignalName.KILL)), SNAPSHOT, POLICY)
    assert journal.appended[0].target == {"pid": 8, "start": 80, "name": "gone"}


def test_the_journal_that_the_daemon_opens_has_space_reserved_ahead(daemon: MakeDaemon) -> None:
    watch = daemon("")
    watch.start()
    status = (watch.log / "audit.jsonl").stat()
    assert status.st_blocks * 512 >= AHEAD_BYTES > status.st_size

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import noun, policy, step, when
from tests.core.world import World
from tests.examples import at_most
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
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.model import Clock, Facts, Process, ProcessId, ServiceStatus, Snapshot
from watchdog_oom.core.nouns import ServiceNoun, SpoolNoun, TcpProbe
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.core.policy import Policy, Recover, Verb
from watchdog_oom.daemon.audit import AuditTrail
from watchdog_oom.journal.record import Record
from watchdog_oom.journal.reserve import AHEAD_BYTES
from watchdog_oom.journal.unfinished import unfinished
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


def test_a_probe_is_one_act_whose_tries_are_not_told_and_which_its_note_ends() -> None:
    journal = Journal()
    first = intent(Probe("db"))
    journal.audit_trail.intent(first, SNAPSHOT, POLICY)
    journal.audit_trail.report(EffectReport("i-1", Outcome(False, "refused"), 0.1, 100.0))
    for number in range(2, 9):
        journal.audit_trail.intent(replace(first, id=f"i-{number}", part_of="i-1"), SNAPSHOT, POLICY)
        journal.audit_trail.report(EffectReport(f"i-{number}", Outcome(False, "refused"), 0.1, 100.0))
    assert [record.kind for record in journal.appended] == ["intent"]
    journal.audit_trail.note(Note(NoteKind.OUTCOME, "recover.x", "refused", incident="inc", action="probe db", ok=False,
                                  took_seconds=8.0, intent_id="i-1", tries=8), SNAPSHOT)
    begun, ended = journal.appended
    assert (ended.kind, ended.id, ended.ok, ended.took_seconds) == ("outcome", "i-1", False, 8.0)
    assert (ended.step, ended.target, ended.detail) == (begun.step, begun.target, {"tries": 8})
    journal.audit_trail.abandon("the daemon stopped")
    assert len(journal.appended) == 2


def test_a_probe_that_is_open_at_the_end_gets_an_outcome_all_the_same() -> None:
    journal = Journal()
    journal.audit_trail.intent(intent(Probe("db")), SNAPSHOT, POLICY)
    journal.audit_trail.report(EffectReport("i-1", Outcome(False, "refused"), 0.1, 100.0))
    journal.audit_trail.abandon("the daemon stopped")
    assert (journal.appended[-1].ok, journal.appended[-1].result) == (None, "the daemon stopped")


@settings(max_examples=at_most(25), deadline=None)
@given(answers_at=st.integers(0, 40), down_at=st.integers(0, 40), restarts=st.integers(0, 7),
       end=st.sampled_from(["stop", "policy", "crash", "nothing"]), moment=st.integers(1, 40),
       pace=st.sampled_from([0.3, 1.0, 7.0]))
def test_every_act_has_one_first_and_one_last_word_in_that_order_and_only_a_crash_leaves_one_open(
        answers_at: int, down_at: int, restarts: int, end: str, moment: int, pace: float) -> None:
    world = probing_world()
    journal = Journal()

    def tick() -> None:
        plan = world.tick(pace)
        for report in world.seen.reports:
            journal.audit_trail.report(report)
        for note in plan.notes:
            journal.audit_trail.note(note, world.seen)
        for begun in plan.intents:
            journal.audit_trail.intent(begun, world.seen, world.policy)

    unit = world.units["a.service"]
    for number in range(60):
        unit.answers = number >= answers_at
        unit.status = ServiceStatus.FAILED if number == down_at else ServiceStatus.ACTIVE
        unit.main_pid += restarts and number % 8 == restarts
        if number == moment and end == "stop":
            world.history = replace(world.history, stopping=True)
        if number == moment and end == "policy":
            world.policy = replace(world.policy, recovers={})
        if number == moment and end == "crash":
            break
        tick()
    told = [(record.kind.value, record.id) for record in journal.appended if record.id]
    begun, ended = ([name for kind, name in told if kind == one] for one in ("intent", "outcome"))
    assert len(set(told)) == len(told)
    assert set(ended) <= set(begun) and all(told.index(("intent", name)) < told.index(("outcome", name))
                                            for name in ended)
    records = [{"kind": record.kind.value, "id": record.id} for record in journal.appended]
    assert [act.id for act in unfinished(records)] == [name for name in begun if name not in ended]
    assert end == "crash" or len(begun) == len(ended)


def probing_world() -> World:
    asked = TcpProbe("localhost", 1, within_seconds=20.0)
    verify = Recover("r", (when(ProcessesAre("worker", count_above=0)),), (step(Verb.VERIFY, "a"),))
    world = World(policy(noun("worker"), ServiceNoun("a", "a.service", (), 1.0, asked), verify))
    world.service("a")
    world.spawn("worker")
    return world


def test_every_kind_of_step_has_a_target() -> None:
    journal = Journal()
    for action in (Purge("s", 5), Probe("db"), RunCommand(("/bin/x", "y"), 1.0)):
        journal.audit_trail.intent(intent(action), SNAPSHOT, POLICY)
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

"""The rehearsal: what would be done once every ``for`` has been held, and how near everything else is to it."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.conditions.registry import build as build_conditions
from watchdog_oom.core.decide import decide
from watchdog_oom.core.glob import glob_pattern
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History, Recovery
from watchdog_oom.core.memory import Memory, Sharing
from watchdog_oom.core.model import Clock, Facts, Process, ProcessId, ServiceState, ServiceStatus, Snapshot, SpoolState
from watchdog_oom.core.nouns import ProcessNoun, ServiceNoun, Size, SpoolNoun
from watchdog_oom.core.policy import Clause, Emergency, Hours, Limit, Mode, Policy, Protect, Recover, RecoveryStep, Verb
from watchdog_oom.explain.rehearsal import Rehearsal, rehearse

MIB = 1 << 20
NOW = 100_000.0
PLENTY = Memory(1024 * MIB, 800 * MIB, 224 * MIB, 1024 * MIB, 1000 * MIB)
SCANNER = ProcessNoun("scanner", comm=(glob_pattern("scan*"),))


def process(pid: int, comm: str = "scan", rss_mib: float = 10, age_seconds: float = 60, adj: int = 0) -> Process:
    started = NOW - age_seconds
    return Process(ProcessId(pid, int(started * 100)), ppid=1, comm=comm, rss_bytes=int(rss_mib * MIB),
                   started_boottime=started, facts=Facts(exe="/usr/bin/scan", uid=0), oom_score_adj=adj)


def snapshot(*processes: Process, memory: Memory | None = PLENTY, now: float = NOW, **parts: object) -> Snapshot:
    return replace(Snapshot(Clock(wall=now + 1e9, boottime=now, local_minute=720), memory=memory,
                            processes={one.pid: one for one in processes}), **parts)  # type: ignore[arg-type]


def policy(*rules: Limit | Recover | Protect, **more: object) -> Policy:
    return replace(Policy(
        processes={"scanner": SCANNER, "db": ProcessNoun("db", comm=(glob_pattern("db"),))},
        spools={"spool": SpoolNoun("spool", "/var/spool/x", ("*",), 60.0)},
        services={"mail": ServiceNoun("mail", "mail.service")},
        limits={rule.name: rule for rule in rules if isinstance(rule, Limit)},
        recovers={rule.name: rule for rule in rules if isinstance(rule, Recover)},
        protects={rule.name: rule for rule in rules if isinstance(rule, Protect)}), **more)  # type: ignore[arg-type]


def rehearsed(seen: Snapshot, by: Policy, history: History | None = None) -> Rehearsal:
    return rehearse(seen, by, history or History(), Budget())


def recovery(for_seconds: float = 0.0, **more: object) -> Recover:
    clause = Clause(build_conditions({"process": "scanner", "count_above": 1}), for_seconds)
    steps = (RecoveryStep(Verb.STOP, ("mail",)), RecoveryStep(Verb.KILL, ("scanner",)),
             RecoveryStep(Verb.PURGE, ("spool",)), RecoveryStep(Verb.START, stopped=True))
    return replace(Recover("mail", (clause,), steps), **more)  # type: ignore[arg-type]


def test_a_limit_acts_in_the_rehearsal_without_its_for_and_the_time_is_told() -> None:
    limit = Limit("big", "scanner", rss=Size(50 * MIB), for_seconds=15)
    told = rehearsed(snapshot(process(7, rss_mib=90)), policy(limit))
    assert [str(intent.action) for intent in told.plan.intents] == ["TERM scan[7]"]
    assert told.for_seconds("limit.big") == 15
    assert told.acts
    assert told.limits[0].acts


def test_what_keeps_a_limit_is_measured_against_it_the_nearest_first() -> None:
    limit = Limit("big", "scanner", rss=Size(100 * MIB), runtime_seconds=600, count=4, total_rss=Size(percent=50.0))
    told = rehearsed(snapshot(process(7, rss_mib=10), process(8, rss_mib=80, age_seconds=60)), policy(limit))
    report = told.limits[0]
    assert not told.acts
    assert [(one.process.pid, [(m.limit, m.share) for m in one.measures]) for one in report.processes] == [
        (8, [("rss", 0.8), ("runtime", 0.1)]), (7, [("rss", 0.1), ("runtime", 0.1)])]
    assert [measure.words for measure in report.group] == ["together 90 MiB, limit 512 MiB", "2 processes, limit 4"]


def test_a_group_is_measured_by_what_it_holds_together() -> None:
    limit = Limit("big", "scanner", total_rss=Size(100 * MIB))
    def measured(sharing: Sharing) -> tuple[str, float | None]:
        pool = [replace(process(7 + at, rss_mib=90), sharing=sharing) for at in range(2)]
        measure, = rehearsed(snapshot(*pool), policy(limit)).limits[0].group
        return measure.words, measure.share
    assert measured(Sharing(46 * MIB)) == ("together 92 MiB, shared pages counted once, limit 100 MiB", 0.92)
    words, share = measured(Sharing(awaited=True))
    assert words.startswith("together 180 MiB, each counted alone: what they share is not known yet") and share is None


def test_a_reading_that_is_missing_is_told_as_such_and_acts_on_nobody() -> None:
    limit = Limit("big", "scanner", swap=Size(MIB), rss=Size(percent=1.0))
    told = rehearsed(snapshot(process(7, rss_mib=500), memory=None), policy(limit))
    assert [(m.limit, m.share) for m in told.limits[0].processes[0].measures] == [("rss", None), ("swap", None)]
    assert not told.acts


def test_a_protected_process_over_its_limit_is_named_with_its_protection() -> None:
    told = rehearsed(snapshot(process(7, rss_mib=90)),
                     policy(Limit("big", "scanner", rss=Size(50 * MIB)), Protect("them", "scanner")))
    assert told.limits[0].processes[0].untouchable == "it is protected by protect.them"
    assert not told.plan.intents


def test_a_recovery_whose_clause_holds_would_run_with_all_its_steps_and_what_they_meet() -> None:
    services = {"mail": ServiceState("mail.service", ServiceStatus.ACTIVE, NOW)}
    spools = {"spool": SpoolState(NOW, entries=9, stale=8)}
    told = rehearsed(snapshot(process(7), process(8), services=services, spools=spools), policy(recovery(30.0)))
    report = told.recoveries[0]
    assert report.runs
    assert told.acts
    assert [(step.step, step.now) for step in report.steps] == [
        ("stop mail", "mail.service is active"), ("kill scanner", "scan[7], scan[8]"),
        ("purge spool", "8 of 9 entries in /var/spool/x are stale"), ("start what was stopped", "")]
    assert (report.clauses[0].for_seconds, report.clauses[0].holds) == (30.0, True)


@pytest.mark.parametrize(("change", "state", "why"), [
    ({"mode": Mode.OBSERVE}, Recovery(), "it only observes (mode)"),
    ({"hours": Hours(0, 60)}, Recovery(), "it is outside its hours (00:00-01:00)"),
    ({}, Recovery(ended=NOW - 60, unhelped=1), "it cools down for another 4min"),
    ({}, Recovery(ended=NOW - 60, unhelped=2), "it cools down for another 9min"),
    ({}, Recovery(started=(NOW - 9000, NOW - 6000, NOW - 3600), held_since=NOW - 3600),
     "it is held after 3 attempts that did not help, for another 5h"),
])
def test_what_keeps_a_recovery_whose_clause_holds_is_told(change: dict[str, object], state: Recovery, why: str) -> None:
    history = History(recoveries={"mail": state})
    told = rehearsed(snapshot(process(7), process(8)), policy(replace(recovery(), **change)), history)  # type: ignore[arg-type]
    assert told.recoveries[0].why_not == why
    assert not told.acts


def test_a_clause_that_cannot_be_judged_neither_holds_nor_does_not() -> None:
    clause = Clause(build_conditions({"spool": "spool", "entries_above": 5}))
    report = rehearsed(snapshot(), policy(recovery(when=(clause,)))).recoveries[0]
    assert report.clauses[0].holds is None
    assert report.why_not == "no clause holds"
    assert report.steps[2].now == "spool spool was not scanned"


def test_an_emergency_tells_whom_it_passes_over_and_why() -> None:
    short = Memory(1024 * MIB, 20 * MIB, 1000 * MIB, 0, 0)
    seen = snapshot(process(7, "db", 500), process(8, "web", 300), process(9, "hog", 100), process(1, "init", 400),
                    memory=short)
    told = rehearsed(seen, policy(Protect("db", "db")))
    assert [(one.process.pid, one.passed_over) for one in told.emergency.candidates] == [
        (7, "it is protected by protect.db"), (1, "it is pid 1"), (8, None), (9, None)]
    assert told.emergency.acts
    assert [str(intent.action) for intent in told.plan.intents] == ["KILL web[8]"]


def test_far_from_an_emergency_the_candidates_are_told_all_the_same() -> None:
    told = rehearsed(snapshot(process(7), process(8, rss_mib=20)), policy(emergency=Emergency(prefer=("scanner",))))
    assert [one.process.pid for one in told.emergency.candidates] == [8, 7]
    assert not told.emergency.acts
    assert [finding.holds for finding in told.emergency.findings] == [False, False]


def test_who_is_protected_is_told_with_what_the_kernel_was_told() -> None:
    told = rehearsed(snapshot(process(7, "db", adj=0)), policy(Protect("db", "db", oom_score_adj=-900)))
    assert [(one.rule, one.process.oom_score_adj, one.wanted) for one in told.protections] == [
        ("protect.db", 0, -900)
    ]
    assert [str(intent.action) for intent in told.plan.intents] == ["oom_score_adj db[7] = -900"]


def test_a_hostile_name_is_escaped_in_every_word() -> None:
    clause = Clause(build_conditions({"process": "scanner", "rss_above": Size(MIB)}))
    rule = recovery(when=(clause,), steps=(RecoveryStep(Verb.KILL, ("scanner",)),))
    told = rehearsed(snapshot(process(7, "scan\x1b[2J")), policy(rule))
    texts = [told.recoveries[0].steps[0].now, *(finding.words for finding in told.recoveries[0].clauses[0].findings)]
    assert all("\x1b" not in text and "scan\\x1b[2J[7]" in text for text in texts)


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(0, 3000)), max_size=6), st.integers(1, 100),
       st.none() | st.integers(1, 5), st.none() | st.integers(10, 400))
def test_what_is_rehearsed_now_is_done_once_it_has_been_held(
        sizes: list[tuple[int, int]], rss_mib: int, count: int | None, total_mib: int | None) -> None:
    limit = Limit("l", "scanner", rss=Size(rss_mib * MIB), count=count, for_seconds=20.0,
                  total_rss=Size(total_mib * MIB) if total_mib else None)
    rules = policy(limit, Protect("db", "db", oom_score_adj=-500))
    seen = snapshot(process(5, "db"), *(process(10 + at, rss_mib=size, age_seconds=age)
                                        for at, (size, age) in enumerate(sizes)))
    rehearsal = rehearsed(seen, rules)
    first, history = decide(seen, rules, History(), Budget())
    later = replace(seen, clock=replace(seen.clock, wall=seen.clock.wall + 20, boottime=NOW + 20))
    second, _ = decide(later, rules, history, Budget())
    done = {(str(intent.action), intent.rule) for intent in (*first.intents, *second.intents)}
    assert {(str(intent.action), intent.rule) for intent in rehearsal.plan.intents} == done


def test_the_explanation_is_pure() -> None:
    from watchdog_oom.explain import headroom, rehearsal
    for module in (rehearsal, headroom):
        assert module.__file__ is not None
        with open(module.__file__, encoding="utf-8") as file:
            source = file.read()
        assert not any(f"import {name}\n" in source for name in ("os", "time", "sys"))
        assert f"watchdog_oom{os.sep}host" not in source
        assert "watchdog_oom.host" not in source

"""How far each rule is from acting: the number agrees with the decision, and the furthest condition decides."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import mib, noun, policy, proc, snapshot
from watchdog_oom.core.condition import verdict
from watchdog_oom.core.conditions.registry import build as build_conditions
from watchdog_oom.core.glob import glob_pattern
from watchdog_oom.core.memory import Memory, Pressure
from watchdog_oom.core.model import Clock, Facts, Process, ProcessId, Snapshot, SpoolState
from watchdog_oom.core.nouns import ProcessNoun, Size, SpoolNoun
from watchdog_oom.core.policy import Clause, Emergency, Exceeds, Limit, Policy, Recover
from watchdog_oom.core.rules.recovery.trigger import clause_findings
from watchdog_oom.core.shortage import evidence, met
from watchdog_oom.core.view import View
from watchdog_oom.explain.closeness import ALMOST, Closeness, closest_first

MIB = 1 << 20
NOW = 100_000.0
PLENTY = Memory(1024 * MIB, 800 * MIB, 224 * MIB, 1024 * MIB, 1000 * MIB)
ONLY_MEMORY = Emergency(pressure_full_above=100.0)


def process(pid: int, rss_mib: float = 10, age_seconds: float = 60) -> Process:
    started = NOW - age_seconds
    return Process(ProcessId(pid, int(started * 100)), ppid=1, comm="scan", rss_bytes=int(rss_mib * MIB),
                   started_boottime=started, facts=Facts(exe="/usr/bin/scan", uid=0), oom_score_adj=0)


def view(*processes: Process, when: dict[str, object] | None = None, limit: Limit | None = None,
         memory: Memory | None = PLENTY, for_seconds: float = 0.0, emergency: Emergency = ONLY_MEMORY,
         spool: SpoolState | None = None, pressure: Pressure | None = None) -> View:
    recovers = {} if when is None else {"r": Recover("r", (Clause(build_conditions(when), for_seconds),), ())}
    policy = Policy(processes={"scanner": ProcessNoun("scanner", comm=(glob_pattern("scan*"),))},
                    spools={"spool": SpoolNoun("spool", "/var/spool/x", ("*",), 60.0)},
                    limits={} if limit is None else {limit.name: limit}, recovers=recovers, emergency=emergency)
    seen = Snapshot(Clock(wall=NOW + 1e9, boottime=NOW, local_minute=720), memory=memory, pressure=pressure,
                    processes={one.pid: one for one in processes}, spools={} if spool is None else {"spool": spool})
    return View(seen, policy)


def one(rule: str, seen: View) -> Closeness:
    return next(found for found in closest_first(seen) if found.rule == rule)


def test_a_limit_is_as_near_as_its_largest_process_and_says_whose_measure_it_is() -> None:
    limit = Limit("big", "scanner", rss=Size(100 * MIB), for_seconds=15)
    found = one("limit.big", view(process(7, 40), process(8, 80), limit=limit))
    assert found.share == 0.8
    assert found.words == "scan[8] holds 80 MiB, limit 100 MiB, once for 15s"


def test_a_limit_without_a_process_is_far_away_and_one_that_is_exceeded_is_past() -> None:
    limit = Limit("big", "scanner", rss=Size(100 * MIB), count=1)
    assert one("limit.big", view(limit=limit)).share == 0.0
    assert one("limit.big", view(process(7, 150), limit=limit)).share == 1.5
    assert one("limit.big", view(process(7, 100), limit=limit)).share == ALMOST


def test_of_conditions_that_must_hold_together_the_furthest_decides() -> None:
    memory_and_count = {"memory_available_below": Size(percent=50.0), "process": "scanner", "count_above": 8}
    found = one("recover.r", view(process(7), process(8), when=memory_and_count, for_seconds=60))
    assert found.share == 0.25
    assert found.words == "2 processes match scanner (threshold 8), once for 1min"


def test_age_and_size_of_one_process_count_together() -> None:
    both = {"process": "scanner", "rss_above": Size(100 * MIB), "runtime_above": 600.0}
    assert one("recover.r", view(process(7, 90, 60), process(8, 10, 900), when=both)).share == 0.1


def test_a_spool_is_as_near_as_its_figure() -> None:
    state = SpoolState(NOW, entries=150, stale=3)
    assert one("recover.r", view(when={"spool": "spool", "entries_above": 200}, spool=state)).share == 0.75
    assert one("recover.r", view(when={"spool": "spool", "entries_above": 100}, spool=state)).share == 1.5


def test_what_is_not_known_is_said_to_be_so_unless_another_condition_is_not_met() -> None:
    unknown = one("recover.r", view(when={"spool": "spool", "entries_above": 200}))
    assert (unknown.share, unknown.words) == (None, "spool spool has not been scanned yet")
    far = view(process(7), when={"spool": "spool", "entries_above": 200, "process": "scanner", "count_above": 4})
    assert one("recover.r", far).share == 0.25
    assert closest_first(view(when={"spool": "spool", "entries_above": 200}))[-1].rule == "recover.r"


def test_the_emergency_is_as_near_as_the_nearer_of_its_two_ways() -> None:
    low = replace(PLENTY, available_bytes=100 * MIB, anonymous_bytes=900 * MIB, swap_free_bytes=1024 * MIB)
    assert one("emergency", view(memory=low)).words.startswith("swap free is 100%")
    pressed = view(memory=low, emergency=Emergency(), pressure=Pressure(90.0, 35.0))
    assert one("emergency", pressed).share == 0.5
    assert one("emergency", pressed).words.startswith("memory pressure (full) is 35% over 10 s")
    assert one("emergency", view(memory=None)).share is None


@given(available=st.integers(0, 1024), swap_free=st.integers(0, 1024), swap=st.sampled_from([0, 1024]),
       threshold=st.one_of(st.builds(Size, percent=st.floats(0, 100)), st.builds(Size, st.integers(0, 2048 * MIB))))
def test_the_emergency_is_at_100_percent_exactly_if_it_is_met(available: int, swap_free: int, swap: int,
                                                              threshold: Size) -> None:
    memory = Memory(1024 * MIB, available * MIB, (1024 - available) * MIB, swap * MIB, min(swap, swap_free) * MIB)
    emergency = replace(ONLY_MEMORY, memory_available_below=threshold)
    seen = view(memory=memory, emergency=emergency)
    assert one("emergency", seen).holds == all(finding.holds for finding in evidence(seen, emergency))
    assert one("emergency", seen).holds == met(memory, emergency)


@given(processes=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 900)), max_size=6),
       count=st.integers(0, 6), rss=st.integers(0, 300), total=st.integers(0, 900), runtime=st.integers(0, 900),
       entries=st.integers(0, 300), available=st.integers(0, 1024))
def test_a_recovery_is_at_100_percent_exactly_if_its_clause_holds(
        processes: list[tuple[int, int]], count: int, rss: int, total: int, runtime: int, entries: int,
        available: int) -> None:
    when = {"process": "scanner", "count_above": count, "rss_above": Size(rss * MIB), "runtime_above": float(runtime),
            "total_rss_above": Size(total * MIB), "spool": "spool", "entries_above": 150,
            "memory_available_below": Size(percent=60.0)}
    seen = view(*(process(pid, *one) for pid, one in enumerate(processes, 10)), when=when,
                spool=SpoolState(NOW, entries=entries),
                memory=Memory(1024 * MIB, available * MIB, (1024 - available) * MIB, 0, 0))
    clause = seen.policy.recovers["r"].when[0]
    holds = verdict(clause_findings(clause, seen))
    assert one("recover.r", seen).holds == (holds is True)


def test_where_all_limits_must_be_exceeded_the_furthest_of_the_nearest_process_tells_how_close_it_is() -> None:
    rules = policy(noun("job"), Limit("job", "job", runtime_seconds=100.0, total_rss=mib(100), exceeds=Exceeds.ALL))
    view = View(snapshot(proc(9, "job", rss=40, age=90.0), proc(10, "job", rss=100, age=10.0)), rules)
    [told] = [one for one in closest_first(view) if one.rule == "limit.job"]
    assert (told.share, told.holds) == (0.9, False)
    assert "job[9] has run for" in told.words

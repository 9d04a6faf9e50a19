"""A recorded night against a policy: what it would have done, and when, and what is only told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import memory, mib, noun, percent, policy, proc, service_state, spool_state, step, when
from tests.core.world import Spool, World
from tests.examples import at_most
from tests.recorder.nights import MIDNIGHT, at
from tests.recorder.snapshots import nights
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.conditions.service import ServiceIs
from watchdog_oom.core.conditions.spool import SpoolIs
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.model import Process, ServiceStatus, Snapshot
from watchdog_oom.core.nouns import ServiceNoun, SpoolNoun
from watchdog_oom.core.policy import Clean, Emergency, Limit, Mode, Policy, Protect, Recover, Then, Verb
from watchdog_oom.recorder.act import ActKind, ReplayAct
from watchdog_oom.recorder.as_read import Patterns
from watchdog_oom.recorder.replay import Replay, replay
from watchdog_oom.recorder.sample import Sample, SampleKind

BIG = Limit("big", "scan", rss=mib(100), for_seconds=30.0)
RULES = policy(noun("scan"), BIG)
AMAVIS = policy(noun("scan"), ServiceNoun("amavis", "amavis.service"),
                SpoolNoun("vscan", "/var/spool/vscan", ("*",), 3600.0),
                Recover("amavis", (when(SpoolIs("vscan", stale_above=100), lasting=60.0),),
                        (step(Verb.STOP, "amavis"), step(Verb.KILL, "scan"), step(Verb.PURGE, "vscan"),
                         step(Verb.START, "amavis"))))


def found(patterns: Patterns, text: str, _uid: int | None) -> Mapping[re.Pattern[str], bool]:
    return {pattern: pattern.search(text) is not None for pattern in patterns}


def samples(snapshots: Iterable[Snapshot]) -> list[Sample]:
    return [Sample(snapshot, SampleKind.CALM) for snapshot in snapshots]


def played(snapshots: Iterable[Snapshot], rules: Policy = RULES) -> list[ReplayAct]:
    return list(replay(samples(snapshots), rules, Budget(), found))


def scans(second: float, *rss: int, **parts: Any) -> Snapshot:
    """Scanners of so many MiB each, at that second of the night."""
    return at(MIDNIGHT + second, *(proc(20 + number, "scan", rss=each) for number, each in enumerate(rss)), **parts)


def told(acts: Iterable[ReplayAct]) -> list[tuple[float, ActKind, str, tuple[str, ...]]]:
    return [(act.wall - MIDNIGHT, act.kind, act.rule, act.words) for act in acts]


def test_a_limit_acts_at_the_sample_at_which_it_has_been_exceeded_for_long_enough() -> None:
    acts = played(scans(second, 90 if second < 40 else 120) for second in range(0, 200, 10))
    assert told(acts) == [(70, ActKind.ACT, "limit.big", ("TERM scan[20]",))]
    assert acts[0].because == ("scan[20] holds 120 MiB, limit 100 MiB",)
    assert acts[0].earlier_seconds == 10 and not acts[0].apart and acts[0].subjects == ("scan",)


def test_after_the_first_act_the_world_is_another_and_each_rule_is_told_on_its_own() -> None:
    rules = policy(noun("scan"), BIG, Limit("many", "scan", count=2))
    acts = played([scans(0, 120), scans(10, 120), scans(20, 120), scans(30, 120), scans(40, 120, 120),
                   scans(50, 120, 120), scans(60, 120, 120, 10), scans(70, 120, 120, 10)], rules)
    assert [(act.wall - MIDNIGHT, act.kind, act.rule, act.words, act.apart) for act in acts] == [
        (30, ActKind.ACT, "limit.big", ("TERM scan[20]",), False),
        (60, ActKind.ACT, "limit.many", ("TERM scan[20]",), True),
        (70, ActKind.AGAIN, "limit.big", ("TERM scan[21]",), True)]


def test_rules_that_act_at_the_same_sample_are_one_plan() -> None:
    rules = policy(noun("scan"), Limit("big", "scan", rss=mib(100)), noun("other"), Limit("old", "other", rss=mib(1)))
    acts = played([at(MIDNIGHT, proc(20, "scan", rss=120), proc(21, "other", rss=2))], rules)
    assert [(act.rule, act.apart) for act in acts] == [("limit.big", False), ("limit.old", False)]


def test_a_recovery_acts_when_it_opens_and_tells_its_steps_with_whom_they_meet() -> None:
    spools = {"vscan": spool_state(entries=400, stale=390)}
    acts = played((scans(second, 30, 40, spools=spools) for second in range(0, 100, 10)), AMAVIS)
    assert told(acts) == [(60, ActKind.ACT, "recover.amavis", (
        "stop amavis.service", "TERM scan[20], scan[21]",
        "purge vscan (390 of 400 entries in /var/spool/vscan are stale)", "start amavis.service"))]
    assert acts[0].because == ("spool vscan: 390 stale entries (threshold 100) (for 1min)",)
    assert acts[0].subjects == ("amavis.service", "scan", "vscan")


def test_a_failed_service_is_taken_as_asked_again_however_old_its_state_is() -> None:
    rules = policy(ServiceNoun("amavis", "amavis.service"),
                   Recover("amavis", (when(ServiceIs("amavis", failed=True)),), (step(Verb.START, "amavis"),)))
    state = service_state("amavis.service", ServiceStatus.FAILED, at=1.0)
    acts = played([scans(0, 1, services={"amavis": state})], rules)
    assert told(acts) == [(0, ActKind.ACT, "recover.amavis", ("start amavis.service",))]


def test_rules_that_only_observe_say_so_and_part_no_worlds() -> None:
    rules = policy(noun("scan"), Limit("big", "scan", rss=mib(100), then=Then.REPORT), Limit("many", "scan", count=1))
    acts = played([scans(0, 120), scans(10, 120, 1)], rules)
    assert [(act.kind, act.rule, act.words, act.apart) for act in acts] == [
        (ActKind.OBSERVED, "limit.big", ("TERM scan[20]",), False),
        (ActKind.ACT, "limit.many", ("TERM scan[20]",), False)]


def test_protections_are_told_and_part_no_worlds() -> None:
    rules = policy(noun("scan"), Protect("scan", "scan", oom_score_adj=-900),
                   noun("idle"), Limit("x", "idle", rss=mib(1)))
    acts = played([at(MIDNIGHT, proc(20, "scan"), proc(21, "idle", rss=2))], rules)
    assert [(act.kind, act.words, act.apart) for act in acts] == [
        (ActKind.ACT, ("TERM idle[21]",), False),
        (ActKind.SCORE, ("set oom_score_adj of scan[20] from 0 to -900",), False)]


def test_a_containing_limit_acts_though_nobody_asked_for_the_unit_in_that_night() -> None:
    rules = policy(noun("scan"), Limit("big", "scan", rss=mib(100), then=Then.CONTAIN))
    snapshots = [at(MIDNIGHT + second, proc(20, "scan", rss=120, unit="amavis.service")) for second in (0, 10)]
    acts = played(snapshots, rules)
    assert told(acts) == [(0, ActKind.ACT, "limit.big", ("contain amavis.service: MemoryHigh=100 MiB",))]


def test_an_emergency_acts_when_it_finds_somebody() -> None:
    rules = policy(Emergency(percent(10), percent(10)))
    short = memory(available=6, swap_free=6)
    nobody = at(MIDNIGHT, proc(1, "init", rss=100), memory=short)
    acts = played([nobody, at(MIDNIGHT + 1, proc(1, "init", rss=100), proc(20, "hog", rss=400), memory=short)], rules)
    assert [(act.wall - MIDNIGHT, act.kind) for act in acts] == [(0, ActKind.NEWS), (0, ActKind.NEWS), (1, ActKind.ACT)]
    assert acts[1].words[0].startswith("nobody is left who may be ended")
    assert acts[2].words == ("TERM hog[20]",) and "chose hog[20] (400 MiB)" in " ".join(acts[2].because)
    assert acts[2].assumed == ("what 2 of 2 processes had in swap was not recorded, and is taken as none",)


def test_another_boot_is_another_life_in_which_every_rule_may_act_again() -> None:
    acts = played([*(scans(second, 120) for second in range(0, 40, 10)),
                   *(scans(second, 120, boot="c") for second in range(40, 90, 10))])
    assert [(act.wall - MIDNIGHT, act.kind) for act in acts] == [(30, ActKind.ACT), (70, ActKind.ACT)]


def test_what_held_before_a_break_is_not_known_to_have_lasted() -> None:
    one = Replay(RULES, Budget(), found)
    acts = [act for sample in samples(scans(second, 120) for second in (0, 10, 20, 500, 510, 520, 530))
            for act in one.step(sample)]
    assert [act.wall - MIDNIGHT for act in acts] == [530]
    assert one.breaks == [(MIDNIGHT + 20, MIDNIGHT + 500)] and one.longest_gap_seconds == 10


def test_samples_that_come_slowly_are_no_breaks() -> None:
    one = Replay(RULES, Budget(), found)
    for sample in samples(scans(second, 120) for second in (0, 300, 600)):
        one.step(sample)
    assert one.breaks == [] and one.longest_gap_seconds == 300


def test_who_was_not_asked_for_his_score_has_none_and_that_is_said() -> None:
    def hog(score: int | None) -> Process:
        return replace(proc(20, "scan", rss=120), oom_score_adj=score)
    rules = policy(noun("scan"), Limit("big", "scan", rss=mib(100)))
    assert played([at(MIDNIGHT, hog(0))], rules)[0].assumed == ()
    assert played([at(MIDNIGHT, hog(None))], rules)[0].assumed == (
        "oom_score_adj of scan[20] was not recorded, and is taken as 0",)
    unkillable = played([at(MIDNIGHT, hog(-1000))], rules)
    assert told(unkillable) == [
        (0, ActKind.NEWS, "limit.big", ("would not TERM scan[20]: its oom_score_adj is -1000",))]


def test_a_recorded_command_line_is_searched_for_what_this_policy_looks_for() -> None:
    rules = policy(noun("mrtg", cmdline="mrtg"), Limit("big", "mrtg", rss=mib(100)))
    acts = played([at(MIDNIGHT, proc(20, "perl", rss=120, cmdline="perl /usr/bin/mrtg"),
                      proc(21, "perl", rss=120, cmdline="perl x"))], rules)
    assert told(acts) == [(0, ActKind.ACT, "limit.big", ("TERM perl[20]",))]


def test_texts_read_besides_are_no_reading() -> None:
    extra = replace(samples([scans(0, 120)])[0], extra={"meminfo": "x"}, read_boottime=1.0)
    assert Replay(policy(noun("scan"), Limit("big", "scan", rss=mib(100))), Budget(), found).step(extra) == ()


def test_a_night_in_which_this_very_policy_acted_is_replayed_to_the_same_first_act() -> None:
    world = World(AMAVIS, seldom_seconds=10.0)
    world.service("amavis")
    seen, first = _lived(world)
    acts = played(seen, AMAVIS)
    assert [act.kind for act in acts][:1] == [ActKind.ACT]
    assert (acts[0].boottime, acts[0].because) == first


def _lived(world: World) -> tuple[list[Snapshot], tuple[float, tuple[str, ...]]]:
    """What a living daemon saw, and when and why its recovery opened."""
    world.spools["vscan"] = Spool(entries=10, stale=5)
    world.spawn("scan", rss_mib=30)
    seen = []
    first: tuple[float, tuple[str, ...]] | None = None
    for number in range(200):
        if number == 50:
            world.spools["vscan"].stale = world.spools["vscan"].entries = 300
        plan = world.tick()
        seen.append(world.seen)
        opened = [note for note in plan.notes if note.result == "opened"]
        if opened and first is None:
            first = (world.now, opened[0].because)
    assert first is not None and any(intent == "purge vscan" for intent in world.done)
    return seen, first


ANY = policy(
    noun("a", cmdline="x"), noun("b", comm="b", parent=("a",), rss_above=mib(1)),
    replace(noun("tree"), parent=("tree",)), Protect("p", "a", oom_score_adj=-500),
    Limit("one", "a", rss=mib(1), swap=mib(1), for_seconds=5.0), Limit("all", "b", count=0, total_rss=percent(1)),
    Limit("wait", "tree", count=1, then=Then.FREEZE), Limit("held", "a", rss=mib(1), then=Then.CONTAIN),
    ServiceNoun("s", "s.service"), SpoolNoun("a", "/a", ("*",), 1.0), Clean("a", "a"),
    Recover("r", (when(ServiceIs("s", failed=True)), when(ProcessesAre("a", count_above=0)),
                  when(SpoolIs("a", entries_above=1))),
            (step(Verb.STOP, "s"), step(Verb.KILL, "a"), step(Verb.PURGE, "a"))),
    Recover("o", (when(ProcessesAre("b", rss_above=mib(1))),), (step(Verb.KILL, "b"),), mode=Mode.OBSERVE),
    Emergency(percent(90), percent(100), prefer=("b",)))


@settings(max_examples=at_most(25), deadline=None)
@given(nights(), st.sampled_from([ANY, RULES, AMAVIS, policy(Emergency())]))
def test_no_recorded_sequence_makes_it_fail(snapshots: list[Snapshot], rules: Policy) -> None:
    one = Replay(rules, Budget(), found)
    acts = [act for sample in samples(snapshots) for act in one.step(sample)]
    assert all(act.words for act in acts)
    apart = [act.apart for act in acts]
    assert apart == sorted(apart)
    for rule, words in one.lacks.words(one.longest_gap_seconds):
        assert rule.partition(".")[0] in ("limit", "recover", "clean", "protect", "emergency") and words


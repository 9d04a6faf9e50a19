from __future__ import annotations

from watchdog_oom.core.observe import observing
from watchdog_oom.core.policy import Clean, Emergency, First, Limit, Mode, Policy, Protect, Recover, Then


def test_an_observing_policy_has_no_rule_left_that_acts() -> None:
    policy = Policy(limits={"a": Limit("a", "p"), "b": Limit("b", "p", then=Then.FREEZE)},
                    recovers={"r": Recover("r", (), ())}, protects={"d": Protect("d", "p", -900)},
                    cleans={"c": Clean("c", "s")},
                    emergency=Emergency())
    seen = observing(policy)
    assert {limit.then for limit in seen.limits.values()} == {Then.REPORT}
    assert seen.recovers["r"].mode is seen.cleans["c"].mode is seen.emergency.mode is Mode.OBSERVE
    assert seen.protects["d"].oom_score_adj is None, "nobody is adjusted"
    assert seen.protects["d"].process == "p", "and still nobody protected is chosen"
    assert seen.protects["d"].would == -900, "but it is told who would be"


def test_an_observing_limit_still_knows_what_it_would_do_and_one_that_reports_goes_on_to_report() -> None:
    limits = {then.value: Limit(then.value, "p", count=1, then=then) for then in Then}
    seen = observing(Policy(limits=limits)).limits
    assert {name: limit.would for name, limit in seen.items()} == {
        "kill": Then.KILL, "freeze": Then.FREEZE, "contain": Then.CONTAIN, "report": None}
    assert [seen[name].first for name in ("kill", "freeze")] == [First.OLDEST, First.NEWEST], "the newest would wait"

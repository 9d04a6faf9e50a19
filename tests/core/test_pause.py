from __future__ import annotations

from watchdog_oom.core.pause import ALL, EMERGENCY, Pause, in_force, pause_of, paused_words, with_pauses
from watchdog_oom.core.policy import Emergency, Limit, Mode, Policy, Protect, Recover, Then

PAUSE = Pause(100.0, 1100.0, "root (pid 12, alice)", "new disk")
POLICY = Policy(limits={"a": Limit("a", "p")}, recovers={"a": Recover("a", (), ()), "b": Recover("b", (), ())},
                protects={"d": Protect("d", "p", -900)}, emergency=Emergency())


def test_a_paused_rule_only_reports_and_the_others_act() -> None:
    seen = with_pauses(POLICY, {"recover.a": PAUSE})
    assert (seen.recovers["a"].mode, seen.recovers["b"].mode) == (Mode.OBSERVE, Mode.ACT)
    assert (seen.limits["a"].then, seen.emergency.mode, seen.protects["d"].oom_score_adj) == (Then.KILL, Mode.ACT, -900)


def test_all_rules_are_paused_but_the_emergency() -> None:
    seen = with_pauses(POLICY, {ALL: PAUSE})
    assert {recover.mode for recover in seen.recovers.values()} == {Mode.OBSERVE}
    assert (seen.limits["a"].then, seen.protects["d"].oom_score_adj) == (Then.REPORT, None)
    assert seen.emergency.mode is Mode.ACT
    assert pause_of({ALL: PAUSE}, EMERGENCY) is None


def test_the_emergency_is_paused_by_its_own_name() -> None:
    assert with_pauses(POLICY, {EMERGENCY: PAUSE}).emergency.mode is Mode.OBSERVE


def test_without_a_pause_the_policy_is_the_very_same() -> None:
    assert with_pauses(POLICY, {}) is POLICY


def test_a_pause_is_in_force_until_its_time() -> None:
    assert in_force({"limit.a": PAUSE}, 99.9) == {"limit.a": PAUSE}
    assert in_force({"limit.a": PAUSE}, 100.0) == {}


def test_it_tells_by_whom_and_why() -> None:
    assert paused_words({ALL: PAUSE}, "limit.a") == "paused by root (pid 12, alice) because new disk"
    assert paused_words({}, "limit.a") == ""

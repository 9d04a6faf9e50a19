"""Where two lists of acts first differ, and by how long."""

from __future__ import annotations

from watchdog_oom.cli.replay.compare import first_difference
from watchdog_oom.recorder.act import ActKind, ReplayAct


def act(second: float, *words: str, rule: str = "limit.x", kind: ActKind = ActKind.ACT,
        about: str = "clamscan") -> ReplayAct:
    return ReplayAct(kind, rule, words or ("TERM clamscan[1]",), (), 1e9 + second, second, subjects=(about,))


def test_the_same_acts_are_no_difference_whatever_the_rules_are_called() -> None:
    assert first_difference([act(1), act(2)], [act(1, rule="limit.y"), act(2)]) is None
    assert first_difference([], []) is None


def test_news_protections_and_repetitions_are_no_difference() -> None:
    for kind in (ActKind.NEWS, ActKind.SCORE, ActKind.AGAIN):
        assert first_difference([act(1, kind=kind)], []) is None
    assert first_difference([act(1, kind=ActKind.OBSERVED)], []) is not None


def test_the_earlier_one_is_told_with_what_the_other_does_later_about_the_same() -> None:
    found = first_difference([act(1), act(300, rule="limit.b")], [act(1), act(50, rule="limit.c")])
    assert found is not None and found.second and found.by_seconds == 250
    assert found.later is not None and found.later.rule == "limit.b"


def test_by_rule_or_by_name_it_is_the_same_thing() -> None:
    same_rule = first_difference([act(1, about="a")], [act(9, about="b")])
    assert same_rule is not None and not same_rule.second and same_rule.by_seconds == 8
    neither = first_difference([act(1, about="a", rule="limit.a")], [act(9, about="b", rule="limit.b")])
    assert neither is not None and neither.later is None and neither.by_seconds is None


def test_the_other_may_do_something_else_at_the_same_sample() -> None:
    found = first_difference([act(1, "TERM clamscan[1]")], [act(1, "STOP clamscan[1]")])
    assert found is not None and not found.second and found.by_seconds == 0

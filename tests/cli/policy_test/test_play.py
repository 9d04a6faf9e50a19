"""Time in a case: how long the host stays as it is, and when it is over."""

from __future__ import annotations

import pytest

from tests.cli.policy_test.conftest import PlayOf

LIMIT = '[process.big]\nname = "big"\n[limit.big]\nprocess = "big"\nruntime = "{0}"\nfor = "{1}"\n'
BIG = 'processes = [{ noun = "big", age = "1min" }]'


@pytest.mark.parametrize(("runtime", "held", "after", "acts"), [
    ("30s", "0s", "0s", True), ("90s", "0s", "29s", False), ("90s", "0s", "31s", True),
    ("30s", "10min", "9min59s", False), ("30s", "10min", "10min", True),
    pytest.param("3d", "0s", "2d", False, marks=pytest.mark.slow), ("3d", "0s", "3d", True)])
def test_a_limit_acts_exactly_when_its_time_has_come(
        played: PlayOf, runtime: str, held: str, after: str, acts: bool) -> None:
    assert bool(played(LIMIT.format(runtime, held), BIG, after).done) is acts


def test_what_is_under_way_at_the_end_is_seen_to_its_end(played: PlayOf) -> None:
    done = played(LIMIT.format("30s", "0s"), 'processes = [{ noun = "big", age = "1min", ignores_term = true }]').done
    assert [(line.after_seconds, line.what) for line in done] == [(0.0, "TERM big[1000]"), (10.0, "KILL big[1000]")]


def test_what_never_ends_is_given_up(played: PlayOf) -> None:
    policy = ('[process.a]\nname = "a"\n[recover.r]\nwhen = [{ process = "a", count_above = 0 }]\n'
              'steps = [{ wait = "9d" }]\nverify = false\n')
    assert played(policy, 'processes = [{ noun = "a" }]').snapshot.processes


def test_the_words_of_a_failure_say_what_is_missing_and_after_what(played: PlayOf) -> None:
    done = played(LIMIT.format("30s", "0s"), BIG)
    case = done.scene.case
    for expect, told in ((("TERM big*",), []), (("KILL *",), ['"KILL *" was not done']),
                         (("TERM big*", "KILL *"), ['"KILL *" was not done, at least not after "TERM big*"'])):
        object.__setattr__(case, "expect", expect)
        assert list(done.failures()) == told
    object.__setattr__(case, "expect", ())
    object.__setattr__(case, "refuse", ("* big*",))
    (words,) = done.failures()
    assert words.startswith('"* big*" is refused, but: 0s  TERM big[1000] [limit.big] because big[1000] has run for')

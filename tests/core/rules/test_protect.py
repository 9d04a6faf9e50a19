"""Protection: oom_score_adj is set, restored, and not inherited by accident."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import noun, policy
from tests.core.world import World
from watchdog_oom.core.actions import SetOomScoreAdj
from watchdog_oom.core.policy import Children, Policy, Protect


def rules(**rest: object) -> Policy:
    keys = {"oom_score_adj": -900, **rest}
    return policy(noun("db"), noun("web"), Protect("db", "db", **keys))  # type: ignore[arg-type]


def writes(world: World, seconds: int = 1) -> list[str]:
    found: list[str] = []
    for _ in range(seconds):
        found += [str(intent.action) for intent in world.tick().intents if isinstance(intent.action, SetOomScoreAdj)]
    return found


def test_the_kernel_is_told_once_and_why_is_said() -> None:
    world = World(rules())
    db, web = world.spawn("db", adj=100), world.spawn("web")
    intent, = world.tick().intents
    assert str(intent.action) == f"oom_score_adj db[{db.pid}] = -900" and intent.rule == "protect.db"
    assert intent.because == (f"db[{db.pid}] matches db; its oom_score_adj is 100",)
    assert db.adj == -900 and web.adj == 0 and writes(world, 20) == []


def test_what_stood_there_first_comes_back_when_the_daemon_stops() -> None:
    world = World(rules())
    db = world.spawn("db", adj=100)
    world.tick()
    db.adj = 50  # the service manager wrote its own; we write again, and remember the first
    writes(world, 70)
    assert db.adj == -900
    world.stop()
    assert db.adj == 100 and world.history.adjusted == {}


def test_it_comes_back_when_the_policy_no_longer_names_it() -> None:
    world = World(rules())
    db = world.spawn("db", adj=100)
    world.tick()
    world.policy = policy(noun("db"))
    intent, = world.tick().intents
    assert db.adj == 100 and "is no longer protected" in intent.because[0]


def test_it_comes_back_after_a_crash_of_the_daemon() -> None:
    world = World(rules())
    db = world.spawn("db", adj=100)
    world.tick()
    world.crash()
    world.ticks(3)
    world.stop()
    assert db.adj == 100


def test_another_value_of_the_policy_is_written_and_the_first_original_kept() -> None:
    world = World(rules())
    db = world.spawn("db", adj=100)
    world.tick()
    world.policy = rules(oom_score_adj=-500)
    world.tick()
    assert db.adj == -500
    world.stop()
    assert db.adj == 100


def test_a_value_that_does_not_stay_is_written_again_once_a_minute() -> None:
    world = World(rules())
    db = world.spawn("db")
    written = 0
    for _ in range(181):
        written += len(writes(world))
        db.adj = 0
    assert written == 4


def test_a_child_that_inherited_it_goes_back_to_zero_unless_it_is_protected_itself() -> None:
    world = World(rules())
    db = world.spawn("db")
    world.tick()
    worker = world.spawn("db", ppid=db.pid, adj=-900)
    hook = world.spawn("sh", ppid=db.pid, adj=-900)
    grandchild = world.spawn("python3", ppid=hook.pid, adj=-900)
    stranger = world.spawn("sshd", adj=-900)
    intent = world.tick().intents[0]
    assert f"sh[{hook.pid}] inherited -900 from db[{db.pid}]" in intent.because[0]
    assert (worker.adj, hook.adj, grandchild.adj, stranger.adj) == (-900, 0, 0, -900)


def test_a_protected_child_gives_back_what_its_parent_had() -> None:
    world = World(rules())
    db = world.spawn("db", adj=30)
    world.tick()
    worker = world.spawn("db", ppid=db.pid, adj=-900)
    own = world.spawn("db", adj=-900)
    world.tick()
    world.stop()
    assert (db.adj, worker.adj) == (30, 30)
    assert own.adj == -900, "one that had that value by itself keeps it"


def test_children_inherit_where_the_policy_says_so() -> None:
    world = World(rules(children=Children.INHERIT))
    db = world.spawn("db")
    world.tick()
    hook = world.spawn("sh", ppid=db.pid, adj=-900)
    assert writes(world, 5) == [] and hook.adj == -900


def test_children_of_the_less_protected_are_left_alone_where_the_value_is_no_protection() -> None:
    world = World(rules(oom_score_adj=500))
    db = world.spawn("db")
    world.tick()
    child = world.spawn("sh", ppid=db.pid, adj=500)
    assert writes(world, 5) == [] and child.adj == 500


def test_a_child_whose_reset_fails_is_tried_again_after_a_minute() -> None:
    world = World(rules())
    db = world.spawn("db")
    world.tick()
    hook = world.spawn("sh", ppid=db.pid, adj=-900)
    count = 0
    for _ in range(121):
        count += len(writes(world))
        hook.adj = -900
    assert count == 3


def test_of_two_protections_the_stronger_counts() -> None:
    both = replace(rules(), protects={"a": Protect("a", "db", -100), "b": Protect("b", "db", -600)})
    world = World(both)
    db = world.spawn("db")
    world.ticks(5)
    assert db.adj == -600


def test_protection_without_a_value_writes_nothing() -> None:
    world = World(rules(oom_score_adj=None))
    world.spawn("db")
    assert writes(world, 3) == []


def test_whoever_is_protected_better_already_is_left_alone() -> None:
    world = World(rules(oom_score_adj=-500))
    db = world.spawn("db", adj=-900)
    assert writes(world, 130) == [] and db.adj == -900
    world.stop()
    assert db.adj == -900


@given(value=st.integers(-999, 1000), original=st.integers(-1000, 1000), others=st.lists(st.integers(-1000, 1000)))
def test_no_write_of_a_rule_makes_anybody_more_killable_than_he_was(
        value: int, original: int, others: list[int]) -> None:
    world = World(rules(oom_score_adj=value))
    db = world.spawn("db", adj=original)
    for other in others:
        world.ticks(2, 70.0)
        db.adj = min(other, original)
    for intent in world.tick(70.0).intents:
        assert isinstance(intent.action, SetOomScoreAdj) and intent.action.value <= original
    world.stop()
    assert db.adj <= original


NOT_PERMITTED = "not permitted: a value below the process's own needs CAP_SYS_RESOURCE"


def test_what_cannot_be_written_is_tried_again_ever_more_seldom() -> None:
    world = World(rules())
    world.spawn("db", sealed=NOT_PERMITTED)
    tried = [30 * number for number in range(320) if world.tick(30.0).intents]
    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert pauses == [60, 300, 1800, 3600, 3600]


def test_what_cannot_be_written_is_told_once_with_a_count_and_then_hourly() -> None:
    world = World(rules())
    for _ in range(7):
        world.spawn("db", sealed=NOT_PERMITTED)
    world.ticks(119, 30.0)
    told, = world.said("is not written")
    assert told.rule == "protect.db" and told.ok is False
    assert told.result.startswith(f"oom_score_adj of 7 processes is not written: {NOT_PERMITTED}")
    world.ticks(5, 30.0)
    assert len(world.said("is not written")) == 2


def test_another_attempt_says_how_the_last_one_failed_so_that_the_same_is_no_news() -> None:
    world = World(rules())
    db = world.spawn("db", sealed=NOT_PERMITTED)
    first, = world.tick().intents
    world.tick()
    late = world.spawn("db", sealed=NOT_PERMITTED)
    newcomer, = world.tick().intents
    world.ticks(2, 20.0)
    again, = world.tick(18.0).intents
    assert (first.again, newcomer.again, again.again) == ("", NOT_PERMITTED, NOT_PERMITTED)
    db.sealed = late.sealed = ""
    world.ticks(11, 30.0)
    assert (db.adj, late.adj) == (-900, -900)
    assert all(not adjusted.write.words for adjusted in world.history.adjusted.values())


def test_what_was_never_written_is_not_given_back() -> None:
    world = World(rules())
    db = world.spawn("db", adj=30, sealed=NOT_PERMITTED)
    world.ticks(3)
    world.policy = policy(noun("db"))
    assert writes(world, 70) == [] and world.history.adjusted == {}
    db.sealed = ""
    world.policy = rules()
    world.ticks(2)
    assert db.adj == -900
    world.stop()
    assert db.adj == 30


def test_what_cannot_be_given_back_is_still_owed() -> None:
    world = World(rules())
    db = world.spawn("db", adj=30)
    world.ticks(2)
    db.sealed = "it did not work"
    world.policy = policy(noun("db"))
    tried = [number for number in range(120) if world.tick(30.0).intents]
    assert tried == [0, 2, 12, 72]
    db.sealed = ""
    world.ticks(80, 30.0)
    assert db.adj == 30 and world.history.adjusted == {}


def test_minus_1000_is_written_only_where_the_policy_allows_it() -> None:
    world = World(rules(oom_score_adj=-1000))
    db = world.spawn("db")
    world.tick()
    assert db.adj == 0 and world.refusals[0].reason == "-1000 needs allow_unkillable = true"
    world = World(rules(oom_score_adj=-1000, allow_unkillable=True))
    db = world.spawn("db")
    world.tick()
    assert db.adj == -1000
    world.stop()
    assert db.adj == 0


def test_a_value_that_could_not_be_read_is_left_alone() -> None:
    world = World(rules())
    db = world.spawn("db")
    db.adj = None  # type: ignore[assignment]
    assert writes(world, 3) == []


def test_nothing_is_written_for_one_that_has_gone() -> None:
    world = World(rules())
    db = world.spawn("db")
    world.tick()
    del world.procs[db.pid]
    assert writes(world, 3) == [] and world.history.adjusted == {}


def test_a_child_with_a_value_of_its_own_keeps_it() -> None:
    both = replace(rules(), protects={"db": Protect("db", "db", -900), "web": Protect("web", "web", -500)})
    world = World(both)
    db = world.spawn("db", adj=30)
    world.tick()
    child = world.spawn("web", ppid=db.pid, adj=-500)
    world.tick()
    world.stop()
    assert (db.adj, child.adj) == (30, -500)

"""Protection: oom_score_adj is set, restored, and not inherited by accident."""

from __future__ import annotations

from dataclasses import replace

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

"""Kill, purge, run and wait within a recovery, and the deadline of each step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.build import noun, policy, step, when
from tests.core.world import Spool, World
from watchdog_oom.core.actions import Purge, RunCommand, SignalName
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.core.policy import Protect, Recover, RecoveryStep, Verb
from watchdog_oom.core.rules.recovery.steps import DEFAULT_WITHIN_SECONDS, HANDLERS


def world_of(*steps: RecoveryStep, limit: int | None = None) -> World:
    world = World(policy(noun("worker"), noun("other"), SpoolNoun("a", "/a", ("*",), 60.0, limit=limit),
                         SpoolNoun("b", "/b", ("*",), 60.0),
                         Recover("r", (when(ProcessesAre("worker", count_above=0)),), steps)))
    world.spools = {"a": Spool(10, 9), "b": Spool(20, 20)}
    world.spawn("worker")
    return world


def closed(world: World) -> str:
    world.until(lambda: bool(world.said("closed")), most=2000)
    return world.said("closed")[0].result


def told(world: World) -> list[str]:
    closed(world)
    return [note.result.removeprefix("verified: ") for note in world.said("verified")]


def test_kill_ends_all_of_all_its_nouns_and_is_done_when_none_lives() -> None:
    world = world_of(step(Verb.KILL, "worker", "other"))
    stubborn = world.spawn("other", ignores_term=True)
    assert told(world) == ["no process of worker, other that may be ended is left"]
    assert world.signals(stubborn) == [SignalName.TERM, SignalName.KILL]
    assert all(rule == "recover.r" for _, _, _, rule in world.sent)


def test_kill_passes_over_the_protected_and_the_unkillable_and_names_them() -> None:
    world = world_of(step(Verb.KILL, "worker", "other"))
    world.policy = replace(world.policy, protects={"other": Protect("other", "other")})
    other = world.spawn("other")
    stuck = world.spawn("worker", unkillable=True)
    text, = told(world)
    assert f"other[{other.pid}]: it is protected by protect.other" in text
    assert f"worker[{stuck.pid}]: it is unkillable" in text


def test_kill_ends_those_that_come_later_too() -> None:
    world = world_of(step(Verb.KILL, "worker"))
    world.spawn("worker", ignores_term=True)
    world.ticks(5)
    late = world.spawn("worker", ignores_term=True)
    closed(world)
    assert not world.alive(late)


def test_kill_gives_up_on_a_supervisor_that_starts_them_again() -> None:
    world = world_of(step(Verb.KILL, "worker"))
    next(iter(world.procs.values())).supervised = True
    assert closed(world) == "closed: failed: kill worker: not done within 1min; everything it had stopped runs again"
    assert len(world.sent) <= 62


def test_purge_is_verified_by_a_scan_after_it() -> None:
    world = world_of(step(Verb.PURGE, "a", "b"))
    assert told(world) == ["ok; 1 entries in /a now, 0 of them stale; ok; 0 entries in /b now, 0 of them stale"]
    assert world.done == ["purge a", "purge b"]


@pytest.mark.parametrize(("limit", "budget", "most"), [(None, 1000, 1000), (500, 1000, 500), (5000, 1000, 1000)])
def test_a_purge_takes_no_more_than_the_spool_and_the_budget_allow(limit: int | None, budget: int, most: int) -> None:
    world = world_of(step(Verb.PURGE, "a"), limit=limit)
    world.budget = Budget(purge_entries=budget)
    purges: list[Purge] = []
    while not purges:
        purges = [intent.action for intent in world.tick().intents if isinstance(intent.action, Purge)]
    assert purges[0].limit == most


def test_a_spool_that_is_refused_only_after_the_purge_fails_the_step() -> None:
    world = world_of(step(Verb.PURGE, "a"))
    world.spools["a"].purge_takes = 5.0
    world.until(lambda: bool(world._pending))
    world.spools["a"].problem = "it has become a symlink"
    assert "purge a: spool a: it has become a symlink" in closed(world)


def test_a_purge_whose_spool_is_never_scanned_again_is_not_believed() -> None:
    world = world_of(step(Verb.PURGE, "a", within=30.0))
    world.until(lambda: bool(world._pending))
    del world.spools["a"]
    world._pending = [(due, intent_id, what, lambda: True) for due, intent_id, what, _ in world._pending]
    assert "not done within 30s" in closed(world)


def test_run_is_done_when_the_program_says_so() -> None:
    world = world_of(step(Verb.RUN, argv=("/usr/bin/newaliases",)))
    assert told(world) == ["ok"] and world.done == ["run /usr/bin/newaliases"]


def test_a_program_without_an_absolute_path_is_refused() -> None:
    assert "run newaliases: it was refused" in closed(world_of(step(Verb.RUN, argv=("newaliases",))))


def test_the_deadline_of_run_is_handed_to_the_program() -> None:
    world = world_of(step(Verb.RUN, argv=("/bin/x",), within=7.0))
    within: list[float] = []
    while not within:
        within = [
            intent.action.within_seconds for intent in world.tick().intents if isinstance(intent.action, RunCommand)
        ]
    assert within == [7.0]


def test_wait_waits() -> None:
    world = world_of(step(Verb.WAIT, within=42.0))
    assert told(world) == ["waited 42s"]
    assert world.said("verified")[0].took_seconds == 42.0


def test_the_deadline_of_a_step_counts_for_each_of_its_names() -> None:
    world = world_of(step(Verb.PURGE, "a", "b", within=10.0))
    world.spools["a"].purge_takes = world.spools["b"].purge_takes = 8.0
    assert closed(world).startswith("closed: success")
    world = world_of(step(Verb.PURGE, "a", within=10.0))
    world.spools["a"].purge_takes = 12.0
    assert "purge a: not done within 10s" in closed(world)


def test_a_purge_is_not_believed_before_the_scan_after_it_is_through() -> None:
    world = world_of(step(Verb.PURGE, "a"))
    world.spools["a"].finished = False
    world.ticks(10)
    assert world.done == ["purge a"] and not world.said("verified")
    world.spools["a"].finished = True
    assert closed(world) == "closed: success"


def test_a_purge_is_not_believed_before_a_scan_that_came_after_it() -> None:
    world = world_of(step(Verb.PURGE, "a"))
    world.spools["a"].scanned = world.now + 3.0
    world.ticks(10)
    assert world.done == ["purge a"] and not world.said("verified")
    world.spools["a"].scanned = world.now
    assert closed(world) == "closed: success"


def test_every_verb_of_the_policy_language_has_a_handler_and_a_deadline_unless_it_has_times_of_its_own() -> None:
    assert set(HANDLERS) == set(Verb)
    assert set(DEFAULT_WITHIN_SECONDS) == set(Verb) - {Verb.WAIT, Verb.VERIFY}

"""Resets to 0: how often they are asked for. Whom they are about: test_score_origin.py and test_protect.py."""

from __future__ import annotations

from itertools import pairwise

from tests.core.build import noun, policy
from tests.core.world import World
from watchdog_oom.core.policy import Policy, Protect

WORDS = "oom_score_adj could not be written: Read-only file system"


def rules() -> Policy:
    return policy(noun("cron"), noun("job"), Protect("cron", "cron", -500))


def test_a_reset_that_fails_is_tried_again_ever_more_seldom_and_told_hourly() -> None:
    world = World(rules())
    cron = world.spawn("cron")
    world.ticks(3)
    world.spawn("sh", ppid=cron.pid, adj=-500, sealed=WORDS)
    tried = [(30 * number, intent.again) for number in range(200) for intent in world.tick(30.0).intents]
    assert [later[0] - earlier[0] for earlier, later in pairwise(tried)] == [60, 300, 1800, 3600]
    assert [again for _, again in tried] == ["", *[WORDS] * 4]
    assert len(world.said("of 1 process is not written")) == 2


def test_one_that_becomes_somebody_else_is_released_and_not_reset_as_well() -> None:
    world = World(rules())
    cron = world.spawn("cron", adj=50)
    world.ticks(3)
    worker = world.spawn("cron", ppid=cron.pid, adj=-500)
    world.ticks(3)
    worker.comm = "sh"
    steps = [str(intent.action) for _ in range(5) for intent in world.tick().intents]
    assert steps == [f"oom_score_adj cron[{worker.pid}] = 50"]


def test_what_is_remembered_goes_with_the_processes() -> None:
    world = World(rules())
    cron = world.spawn("cron")
    world.ticks(3)
    child = world.spawn("sh", ppid=cron.pid, adj=-500)
    world.tick()
    assert list(world.history.scores.resets) == [child.id]
    world.ticks(7, 10.0)
    assert dict(world.history.scores.resets) == {}

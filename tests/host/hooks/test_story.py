"""What a hook is told: one line of JSON, whatever names processes have."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import MIB, NOW, proc, snapshot
from watchdog_oom.core.actions import Intent
from watchdog_oom.core.hook_action import HookEvent, RunHook, Victim
from watchdog_oom.core.model import Process
from watchdog_oom.host.hooks.story import MOST_REASONS, MOST_VICTIMS, story_of

HOG = proc(10, "hog", rss=200, user="alice", uid=1000, unit="app.service", exe="/usr/bin/hog")


def told(*victims: Victim, because: tuple[str, ...] = ("it holds 200 MiB",), seen: Process = HOG) -> dict[str, Any]:
    action = RunHook(HookEvent.BEFORE_KILL, ("/bin/x",), 10.0, victims)
    line = story_of(Intent("i-1.7", action, "limit.hog", because, "x-1.2"), action, snapshot(seen, boot_id="b"),
                    lambda process: process)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    loaded: dict[str, Any] = json.loads(line)
    return loaded


def victim(of: Process = HOG, because: tuple[str, ...] = ("why",)) -> Victim:
    return Victim(of.id, of.comm, "TERM", "limit.hog", because)


def test_it_says_what_who_and_why() -> None:
    story = told(victim())
    assert {key: story[key] for key in ("v", "event", "id", "incident", "rule", "evidence", "boot")} == {
        "v": 1, "event": "before_kill", "id": "i-1.7", "incident": "x-1.2", "rule": "limit.hog",
        "evidence": ["it holds 200 MiB"], "boot": "b"}
    assert story["victims"] == [{
        "pid": 10, "start": HOG.id.start_ticks, "name": "hog", "signal": "TERM", "rule": "limit.hog",
        "evidence": ["why"], "rss": 200 * MIB, "swap": None, "uid": 1000, "user": "alice", "unit": "app.service",
        "exe": "/usr/bin/hog"}]
    assert str(story["time"]).startswith("2023-11-")


def test_of_a_victim_that_is_gone_only_its_name_is_told() -> None:
    other = proc(10, "other", start=int(NOW * 100) + 5)
    (gone,) = told(victim(), seen=other)["victims"]
    assert "rss" not in gone
    assert gone["name"] == "hog"


def test_it_is_bounded_however_many_there_are() -> None:
    story = told(*(victim() for _ in range(500)), because=("x" * 9000,) * 500)
    assert (len(story["victims"]), story["more_victims"]) == (MOST_VICTIMS, 500 - MOST_VICTIMS)
    assert len(story["evidence"]) == MOST_REASONS


@given(st.binary(max_size=40))
def test_no_name_breaks_it(name: bytes) -> None:
    comm = name.decode("utf-8", "surrogateescape")
    story = told(Victim(HOG.id, comm, "TERM", "limit.hog", (comm,)), because=(comm,))
    json.dumps(story, ensure_ascii=False).encode("utf-8")  # no lone surrogate is left

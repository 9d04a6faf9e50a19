"""The distance of the rules of a running daemon: its policy files, held against this host."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog_oom.cli.status.rules_near import NearRules, RuleWatch

POLICY = """
[process.mine]
name = "near-*"
[spool.s]
path = "/nowhere"
entries = "*"
stale_after = "1h"
[limit.mine]
process = "mine"
count = {count}
then = "report"
[recover.full]
when = [{{ spool = "s", entries_above = 200 }}]
steps = [{{ purge = "s" }}]
verify = false
[service.app]
unit = "app.service"
[recover.app]
when = [{{ service = "app", service_memory_above = "1GiB" }}]
steps = [{{ restart = "app" }}]
verify = false
[recover.space]
when = [{{ spool = "s", space_free_below = "1GiB" }}]
steps = [{{ purge = "s" }}]
verify = false
"""


@pytest.fixture
def watch() -> Iterator[RuleWatch]:
    watch = RuleWatch()
    yield watch
    watch.close()


@pytest.fixture
def named(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process called near-test."""
    (tmp_path / "near-test").symlink_to(sys.executable)
    child = subprocess.Popen([tmp_path / "near-test", "-c", "import sys; print(flush=True); sys.stdin.read()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    yield child
    child.kill()
    child.communicate()


def told(directory: Path, count: int = 4, loaded: float = 1.0, **parts: object) -> dict[str, object]:
    """The status of a daemon with that policy."""
    (directory / "p.toml").write_text(POLICY.format(count=count))
    spool = {"path": "/nowhere", "entries": 50, "stale": 0, "size_bytes": 1, "oldest_seconds": 1, "problem": None}
    return {"pid": os.getpid(), "spools": {"s": spool}, "services": {"x": {"unit": "x", "status": "odd"}, "app": {
                "unit": "app.service", "status": "active", "memory": {"held_bytes": 1 << 29, "cache_bytes": 0}}},
            "policy": {"sources": [str(directory / "p.toml")], "loaded": loaded}, **parts}


def share(near: NearRules, rule: str) -> float | None:
    return next(one.share for one in near.rules if one.rule == rule)


def test_processes_are_read_here_and_spools_are_the_daemons(
        tmp_path: Path, watch: RuleWatch, named: subprocess.Popen[bytes]) -> None:
    near = watch.look(told(tmp_path))
    assert (near.problem, share(near, "limit.mine"), share(near, "recover.full")) == ("", 0.25, 0.25)
    assert share(near, "recover.app") == 0.5
    assert {one.rule for one in near.rules} == {"emergency", "limit.mine", "recover.full", "recover.app",
                                                "recover.space"}


def test_cleanings_stand_among_the_rules_by_what_the_daemon_says_of_them(tmp_path: Path, watch: RuleWatch) -> None:
    cleans = {"s": {"state": "waiting", "every_seconds": 1000, "due": time.time() + 100}}
    near = watch.look(told(tmp_path, cleans=cleans))
    assert near.rules[0].rule == "clean.s"
    assert near.rules[0].share == pytest.approx(0.9, abs=0.05)


def test_nothing_is_concluded_about_space_that_the_status_does_not_tell(tmp_path: Path, watch: RuleWatch) -> None:
    assert share(watch.look(told(tmp_path)), "recover.space") is None


def test_a_policy_that_was_loaded_anew_is_read_anew_at_the_next_look(
        tmp_path: Path, watch: RuleWatch, named: subprocess.Popen[bytes]) -> None:
    first = watch.look(told(tmp_path))
    changed = told(tmp_path, count=2, loaded=2.0)
    assert watch.look(changed) is first  # the same answer for two seconds
    deadline = time.monotonic() + 4.5
    while watch.look(changed) is first:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert share(watch.look(changed), "limit.mine") == 0.5


def test_a_policy_that_is_not_the_one_in_force_is_not_measured(tmp_path: Path, watch: RuleWatch) -> None:
    status = told(tmp_path)
    near = watch.look({**status, "policy": {"sources": [str(tmp_path / "p.toml")], "stale": True}})
    assert (near.policy, near.rules) == (None, ())
    assert near.problem == "the policy in force is not the one in its files"


@pytest.mark.parametrize("content", ["[limit.x]\nprocess = 'gone'\n", "="])
def test_files_that_are_broken_meanwhile_are_told(tmp_path: Path, watch: RuleWatch, content: str) -> None:
    status = told(tmp_path)
    (tmp_path / "p.toml").write_text(content)
    assert "have changed: see watchdog-oom check" in watch.look(status).problem


def test_a_status_of_another_release_is_no_error(watch: RuleWatch) -> None:
    assert watch.look({"policy": 5, "spools": [], "pid": "x"}).problem

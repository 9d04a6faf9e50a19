"""A service that leaks until its unit holds too much: a real process in a real group, restarted by its script."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.miniature.daemon import MakeDaemon
from tests.miniature.groups import RealGroup

UNIT = "watchdog-oom-test-java"
# Its first life grows to 150 MiB and stays there; the next ones hold little, as a heap after a restart.
PROGRAM = """
import os, sys, time
first = not os.path.exists(sys.argv[1])
open(sys.argv[1], "a").write("x")
held = [b"x" * (10 << 20) for _ in range(15 if first else 1)]
time.sleep(120)
"""
SCRIPT = """#!/bin/sh
pidfile="{home}/pid"
running() {{ [ -s "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null; }}
case "$1" in
    start)
        running && exit 0
        setsid sh -c 'echo $$ > "{group}/cgroup.procs"; exec "{python}" "{home}/app.py" "{home}/lives"' \\
            >/dev/null 2>&1 &
        echo $! > "$pidfile" ;;
    stop)
        running || exit 0
        kill "$(cat "$pidfile")"
        while running; do sleep 0.05; done
        rm -f "$pidfile" ;;
    status)
        running && exit 0
        [ -e "$pidfile" ] && exit 1
        exit 3 ;;
esac
"""
POLICY = f"""
[service.app]
unit = "{UNIT}"
stable_for = "200ms"
[recover.app]
when  = [{{ service = "app", service_memory_above = "100MiB", for = "300ms" }}]
steps = [{{ restart = ["app"] }}, {{ verify = "app" }}]
"""


@pytest.fixture
def java(home: Path, real_group: Callable[[str], RealGroup]) -> Iterator[Path]:
    """The directory of a service whose script puts it into its group; whatever is left of it is killed."""
    group = real_group(f"system.slice/{UNIT}.service")
    (home / "init.d").mkdir()
    (home / "app.py").write_text(PROGRAM)
    script = home / "init.d" / UNIT
    script.write_text(SCRIPT.format(home=home, group=group.directory, python=sys.executable))
    script.chmod(0o755)
    yield home
    for pid in Path(group.directory, "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


@pytest.mark.root
def test_a_service_whose_unit_holds_too_much_for_too_long_is_restarted_and_told_of_with_what_it_held(
        daemon: MakeDaemon, java: Path) -> None:
    assert os.system(f"{java}/init.d/{UNIT} start") == 0
    watch = daemon(POLICY, config=f'[services]\nmanager = "service"\ninit_dir = "{java}/init.d"\n')
    watch.start()
    watch.wait_for(lambda: any((record["result"] or "").startswith("closed: success")
                               for record in watch.records("incident")), 20, "the restart")
    assert (java / "lives").read_text() == "xx"
    opened = next(record for record in watch.records("incident") if record["result"] == "opened")
    held, = opened["because"]
    assert held.startswith(f"{UNIT} holds 1") and "MiB (threshold 100 MiB" in held and "(for " in held, held
    watch.wait_for(lambda: watch.status()["services"]["app"]["memory"]["held_bytes"] < 100 << 20, 5, "the lower figure")

"""What only a real daemon shows of its loop: how it ends, and what it does where its surroundings fail it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.miniature.daemon import MakeDaemon

HANGING = """#!/bin/sh
case "$1" in
    stop) touch "{home}/asked"; while ! [ -e "{home}/over" ]; do sleep 0.1; done ;;
    status) exit 0 ;;
esac
"""
RESTART = """
[service.slow]
unit = "slow.service"
[recover.slow]
when = [{ memory_available_above = "1KiB" }]
steps = [{ stop = "slow" }, { start = "stopped" }]
"""


def test_a_second_sigterm_ends_it_at_once_with_what_it_owes_in_its_state(daemon: MakeDaemon, home: Path) -> None:
    script = home / "init" / "slow"
    script.parent.mkdir()
    script.write_text(HANGING.format(home=home))
    script.chmod(0o755)
    watch = daemon(RESTART, config=f'[services]\nmanager = "service"\ninit_dir = "{script.parent}"\n')
    watch.start()
    try:
        watch.wait_for((home / "asked").exists, 10, "the stop of the service")
        os.kill(watch.pid, signal.SIGTERM)
        asked = time.time()
        watch.wait_for(lambda: watch.status()["written"] > asked + 0.5, 5, "ticks after the first SIGTERM")
        began = time.monotonic()
        assert watch.stop(seconds=5) == 0
        assert time.monotonic() - began < 1.0
    finally:
        (home / "over").touch()
    assert "asked twice" in watch.records("stop")[-1]["result"]
    state = json.loads((watch.state / "state.json").read_text())
    assert state["recoveries"]["slow"]["owed"] == ["slow"]


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_on_a_full_runtime_file_system_it_watches_without_its_status_file_and_says_so(
        daemon: MakeDaemon, home: Path, small_disk: Callable[[Path], Path]) -> None:
    watch = daemon("")
    filler = small_disk(watch.runtime)
    with suppress(OSError):
        filler.write_bytes(b"x" * (3 << 20))
    with suppress(AssertionError):
        watch.start(ready_seconds=2.0)  # READY is told by status.json, too
    watch.wait_for(lambda: watch.records("incident", rule="daemon", ok=False), 5, "the journal's word of it")
    filler.unlink()
    watch.wait_for(lambda: watch.records("incident", rule="daemon", ok=True), 5, "the status file")
    assert watch.status()["pid"] == watch.pid
    assert watch.stop() == 0

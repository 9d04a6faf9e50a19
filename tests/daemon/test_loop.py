"""What only a real daemon shows of its loop: how it ends, and what it does where its surroundings fail it."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

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

"""What a real daemon recorded, replayed: the same act at the same time as its journal shows, acting and observing."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.miniature.daemon import MakeDaemon, OwnDaemon, Spawn
from tests.miniature.mailserver import MailServer
from watchdog_oom.cli import cli

EVERY = '[recorder]\nevery = "1s"\n[tick]\nslowest = "1s"\n'  # a replay sees what is recorded: each look
SAMPLE_SECONDS = 5.0  # one sample, and ticks that a busy host made late
SLEEPS = "import time; time.sleep(300)"


def first_act(watch: OwnDaemon) -> dict[str, Any]:
    """Of the policy that was in force, on what its daemon recorded."""
    done = CliRunner().invoke(cli, ["replay", "--json", "--log", str(watch.log), "--policies", str(watch.policies),
                                    "--config", str(watch.config)])
    assert done.exit_code == 1, done.output
    acts = json.loads(done.output)["policies"][0]["acts"]
    found: dict[str, Any] = next(act for act in acts if act["kind"] == "act")
    assert found["apart"] is False
    return found


def written(record: dict[str, Any]) -> float:
    return datetime.fromisoformat(record["time"]).timestamp()


@pytest.mark.parametrize("mode", ["act", pytest.param("observe", marks=pytest.mark.slow)])
def test_a_limit_acts_in_a_replay_when_it_acted_in_the_night(
        daemon: MakeDaemon, spawn: Spawn, home: Path, mode: str) -> None:
    child = spawn(SLEEPS)
    watch = daemon(f'[process.hogger]\nexe = "{home}/bin/hogger"\n[limit.hogger]\nprocess = "hogger"\nruntime = "1s"\n'
                   'for = "300ms"\n', config=EVERY)
    watch.start(*(["--observe"] if mode == "observe" else []))
    kind = "intent" if mode == "act" else "incident"
    watch.wait_for(lambda: watch.records(kind, rule="limit.hogger"), 15, "the act")
    journal = watch.records(kind, rule="limit.hogger")[0]
    watch.stop()
    act = first_act(watch)
    assert (act["rule"], act["words"]) == ("limit.hogger", [f"TERM hogger[{child.pid}]"])
    assert abs(act["time"] - written(journal)) < SAMPLE_SECONDS
    assert act["because"][0].startswith(f"hogger[{child.pid}] has run for ") and act["assumed"] == []
    if mode == "act":
        assert (act["words"], act["because"]) == ([journal["step"]], journal["because"])


@pytest.mark.parametrize("mode", ["act", pytest.param("observe", marks=pytest.mark.slow)])
def test_a_recovery_opens_in_a_replay_when_it_opened_in_the_night(
        daemon: MakeDaemon, mailserver: MailServer, mode: str) -> None:
    mailserver.fill_spool(directories=20, files=2)
    config = f'{EVERY}[services]\nmanager = "service"\ninit_dir = "{mailserver.init_dir}"\n'
    watch = daemon(f'''
[process.clamscan]
exe = "{mailserver.program('clamscan')}"
[spool.vscan]
path = "{mailserver.spool}"
entries = ["amavis-*"]
stale_after = "1s"
[service.amavis]
unit = "amavis.service"
[recover.amavis]
when = [{{ process = "clamscan", count_above = 2, for = "500ms" }}]
steps = [{{ stop = "amavis" }}, {{ kill = "clamscan", within = "2s" }}, {{ purge = "vscan" }}, {{ start = "stopped" }}]
verify = false
''', config=config)
    watch.start(*(["--observe"] if mode == "observe" else []))
    mailserver.service("start")
    watch.wait_for(lambda: watch.records("incident", rule="recover.amavis"), 20, "the incident")
    journal = watch.records("incident", rule="recover.amavis")[0]
    watch.stop()
    act = first_act(watch)
    assert act["rule"] == "recover.amavis" and act["subjects"] == ["amavis.service", "clamscan", "vscan"]
    assert abs(act["time"] - written(journal)) < SAMPLE_SECONDS
    assert [words.split()[0] for words in act["words"]] == ["stop", "TERM", "purge", "start"]
    assert "processes match clamscan (threshold 2) (for 0.5s)" in act["because"][0]
    if mode == "act":
        assert act["because"] == journal["because"]
    assert act["words"][0] == "stop amavis.service" and "clamscan[" in act["words"][1]

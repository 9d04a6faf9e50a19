"""The incident in miniature, end to end, and every way in which a recovery can be cut short."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.miniature.daemon import MakeDaemon, OwnDaemon, Spawn
from tests.miniature.mailserver import MailServer
from watchdog_oom.host.spools.names import trash_prefix_of


def policy_for(mail: MailServer, *, steps: str | None = None, recover: str = "", service: str = "") -> str:
    default_steps = """{ stop = "amavis" }, { kill = "clamscan", within = "2s" }, { purge = "vscan" },
                       { start = "stopped" }, { verify = "amavis" }"""
    return f'''
[process.clamscan]
exe = "{mail.program('clamscan')}"
[process.mysqld]
exe = "{mail.program('mysqld')}"
[spool.vscan]
path = "{mail.spool}"
entries = "amavis-*"
stale_after = "1s"
[service.amavis]
unit = "amavis.service"
stable_for = "200ms"
probe = {{ tcp = "127.0.0.1:{mail.port}", expect = "220", within = "20s" }}
{service}
[protect.database]
process = "mysqld"
[recover.amavis]
when = [ {{ process = "clamscan", count_above = 2, for = "300ms" }} ]
steps = [ {steps or default_steps} ]
{recover}
'''


def config_for(mail: MailServer) -> str:
    return f'[services]\nmanager = "service"\ninit_dir = "{mail.init_dir}"\n'


def closed(watch: OwnDaemon, result: str) -> bool:
    return any((record["result"] or "").startswith(f"closed: {result}") for record in watch.records("incident"))


def test_the_incident_is_cured_and_the_database_never_touched(daemon: MakeDaemon, mailserver: MailServer) -> None:
    mailserver.fill_spool(directories=30, files=5)
    database = mailserver.start_database()
    watch = daemon(policy_for(mailserver), config=config_for(mailserver))
    watch.start()
    mailserver.service("start")
    (mailserver.spool / "not-a-mail").mkdir()
    watch.wait_for(lambda: mailserver.greeting() == b"" and len(mailserver.processes("clamscan")) > 2, 15, "the wedge")
    watch.wait_for(lambda: closed(watch, "success"), 40, "the recovery")
    assert mailserver.greeting().startswith(b"220")
    # A wedged scanner stays; the scanner of a mail that came since then is gone in a moment.
    watch.wait_for(lambda: mailserver.processes("clamscan") == [], 5, "a look without any scanner")
    assert [entry.name for entry in mailserver.spool.iterdir() if entry.name.startswith("amavis-old")] == []
    assert (mailserver.spool / "not-a-mail").exists()
    assert mailserver.processes("mysqld") == [database]
    verified = [record["step"] for record in watch.records("incident", rule="recover.amavis")
                if (record["result"] or "").startswith("verified")]
    assert [step.split(". ")[1].split()[0] for step in verified] == ["stop", "kill", "purge", "start", "verify"]
    (asked,), (answered,) = ([record for record in watch.records(kind) if record["step"] == "probe amavis"]
                             for kind in ("intent", "outcome"))
    assert (answered["id"], answered["ok"]) == (asked["id"], True)
    assert answered["detail"]["tries"] >= 1


def test_a_daemon_killed_between_stop_and_start_leaves_a_debt_that_the_next_one_pays(
        daemon: MakeDaemon, mailserver: MailServer) -> None:
    mailserver.fill_spool(directories=15)
    steps = '{ stop = "amavis" }, { wait = "60s" }, { start = "stopped" }'
    watch = daemon(policy_for(mailserver, steps=steps), config=config_for(mailserver))
    watch.start()
    mailserver.service("start")
    watch.wait_for(lambda: mailserver.service("status") == 3, 20, "the stop")
    watch.stop(signal.SIGKILL)
    assert mailserver.service("status") == 3
    watch.start()
    watch.wait_for(lambda: mailserver.service("status") == 0, 15, "the start by the next daemon")
    watch.wait_for(lambda: watch.records("recovered"), 5, "the journal's word of it")
    assert "amavis" in watch.records("recovered")[0]["result"]


STOPPING = '{ stop = "amavis" }, { wait = "60s" }, { start = "stopped" }'


@pytest.mark.slow
def test_a_daemon_that_finds_no_journal_still_starts_what_the_one_before_it_had_stopped(
        daemon: MakeDaemon, mailserver: MailServer) -> None:
    mailserver.fill_spool(directories=15)
    watch = daemon(policy_for(mailserver, steps=STOPPING), config=config_for(mailserver))
    watch.start()
    mailserver.service("start")
    watch.wait_for(lambda: mailserver.service("status") == 3, 20, "the stop")
    watch.stop(signal.SIGKILL)
    shutil.rmtree(watch.log)
    watch.start()
    watch.wait_for(lambda: mailserver.service("status") == 0, 15, "the start by the next daemon")
    assert "amavis.service stopped" in watch.records("recovered")[0]["result"]


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_on_a_full_disk_what_was_stopped_is_remembered_and_started_by_the_next_daemon(
        daemon: MakeDaemon, mailserver: MailServer, small_disk: Callable[[Path], Path]) -> None:
    mailserver.fill_spool(directories=15)
    watch = daemon(policy_for(mailserver, steps=STOPPING), config=config_for(mailserver))
    filler = small_disk(watch.home / "disk")
    watch.state, watch.log = filler.parent / "state", filler.parent / "log"
    watch.start()
    watch.wait_for((watch.state / "state.json.new").exists, 10, "the file that the next state is written over")
    with suppress(OSError), filler.open("wb") as full:
        while full.write(b"x" * 4096):
            full.flush()
    mailserver.service("start")
    watch.wait_for(lambda: mailserver.service("status") == 3, 20, "the stop")
    watch.stop(signal.SIGKILL)
    watch.start()
    watch.wait_for(lambda: mailserver.service("status") == 0, 15, "the start by the next daemon")


def test_a_damaged_state_is_told_in_the_start_record_and_in_the_status(daemon: MakeDaemon) -> None:
    watch = daemon("")
    watch.state.mkdir(0o700)
    (watch.state / "state.json").write_text("{")
    watch.start()
    start, = watch.records("start")
    assert "state.json cannot be used: it is damaged" in start["result"]
    assert any("state.json" in trouble for trouble in watch.status()["health"]["troubles"])
    assert watch.stop() == 0
    watch.start()
    assert watch.records("start")[-1]["result"].endswith("is ready")


@pytest.mark.slow
def test_one_that_stands_still_when_nothing_is_known_any_more_is_continued(
        daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    rule = f'''[process.hogger]
exe = "{home}/bin/hogger"
[limit.hogger]
process = "hogger"
runtime = "1s"
then = "freeze"
'''
    watch = daemon(rule)
    watch.start()
    child = spawn("import time; time.sleep(100)", start_new_session=True)
    stat = Path(f"/proc/{child.pid}/stat")
    watch.wait_for(lambda: b") T " in stat.read_bytes(), 15, "the freeze")
    watch.stop(signal.SIGKILL)
    shutil.rmtree(watch.log)
    (watch.state / "state.json").unlink()
    watch.write_policy(rule.replace("1s", "100h"))
    watch.start()
    watch.wait_for(lambda: b") T " not in stat.read_bytes(), 10, "the thaw")


def test_trash_of_a_purge_that_was_killed_is_finished_by_the_next_daemon(daemon: MakeDaemon, home: Path) -> None:
    spool = home / "spool"
    spool.mkdir()
    trash = spool / f"{trash_prefix_of(spool.stat().st_ino)}0123"
    (trash / "old").mkdir(0o700, parents=True)
    trash.chmod(0o700)
    (spool / "kept").mkdir()
    watch = daemon(f'[spool.s]\npath = "{spool}"\nentries = "*"\nstale_after = "10ms"\n')
    watch.start()
    watch.wait_for(lambda: not trash.exists(), 10, "the end of the purge")
    assert (spool / "kept").exists(), "it takes nothing more"
    intent, = watch.records("intent")
    assert "a purge was cut short" in intent["because"][0]
    watch.wait_for(lambda: watch.records("outcome", id=intent["id"], ok=True), 5, "the outcome")


def test_sigterm_in_the_middle_of_a_recovery_starts_what_it_stopped_before_the_daemon_ends(
        daemon: MakeDaemon, mailserver: MailServer) -> None:
    mailserver.fill_spool(directories=15)
    steps = '{ stop = "amavis" }, { wait = "60s" }, { start = "stopped" }'
    watch = daemon(policy_for(mailserver, steps=steps), config=config_for(mailserver))
    watch.start()
    mailserver.service("start")
    watch.wait_for(lambda: mailserver.service("status") == 3, 20, "the stop")
    assert watch.stop(signal.SIGTERM) == 0
    assert mailserver.service("status") == 0
    assert watch.records("stop")


@pytest.mark.slow
def test_a_service_that_cannot_be_started_is_tried_attempts_times_then_held_and_rearmed_after_per(
        daemon: MakeDaemon, mailserver: MailServer) -> None:
    mailserver.fill_spool(directories=15)
    script = mailserver.script.read_text()
    recover = 'attempts = 2\nper = "1h"\ncooldown = "500ms"'
    steps = '{ stop = "amavis" }, { start = "stopped", within = "2s" }'
    policy = policy_for(mailserver, steps=steps, recover=recover)
    watch = daemon(policy, config=config_for(mailserver))
    watch.start()
    mailserver.service("start")
    watch.wait_for(lambda: len(mailserver.processes("clamscan")) > 2, 15, "the wedge")
    mailserver.script.write_text(script.replace("    start)", "    start) echo no >&2; exit 1;;\n    never)"))
    watch.wait_for(lambda: (watch.status()["recoveries"]["amavis"]["state"]) == "held", 40, "the hold")
    state = watch.status()["recoveries"]["amavis"]
    assert state["attempts"] == 2
    assert state["owed"] == ["amavis"]
    assert any((record["result"] or "").startswith("held") for record in watch.records("incident"))
    mailserver.script.write_text(script)
    assert mailserver.service("status") != 0
    watch.write_policy(policy.replace('per = "1h"', 'per = "1s"'))
    watch.wait_for(lambda: mailserver.service("status") == 0, 30, "the start after the re-arming")


@pytest.mark.slow
def test_what_the_operator_had_stopped_stays_stopped(daemon: MakeDaemon, mailserver: MailServer, spawn: Spawn) -> None:
    steps = '{ stop = "amavis" }, { start = "stopped" }, { restart = "amavis" }, { run = ["/bin/true"] }'
    policy = policy_for(mailserver, steps=steps).replace("count_above = 2", "count_above = 0")
    watch = daemon(policy, config=config_for(mailserver))
    watch.start()
    os.makedirs(mailserver.home / "full", exist_ok=True)
    for number in range(12):
        (mailserver.spool / f"amavis-old-{number}").mkdir()
    spawn("import time; time.sleep(100)", name="clamscan", directory="mail/bin")
    watch.wait_for(lambda: closed(watch, "success"), 20, "the recovery")
    assert mailserver.service("status") == 3
    assert not [record for record in watch.records("intent") if record["step"].startswith(("stop", "start"))]


@pytest.mark.slow
def test_a_restart_by_a_script_without_status_takes_no_longer_than_the_script(
        daemon: MakeDaemon, mailserver: MailServer) -> None:
    script = mailserver.script.read_text()
    mailserver.script.write_text(script.replace("    status)", "    never)"))
    steps = """{ stop = "amavis" }, { kill = "clamscan" }, { purge = "vscan" }, { start = "stopped" },
               { verify = "amavis" }"""
    watch = daemon(policy_for(mailserver, steps=steps), config=config_for(mailserver))
    mailserver.fill_spool(directories=12, files=1)
    watch.start()
    mailserver.service("start")
    watch.wait_for(lambda: watch.records("incident", rule="recover.amavis"), 15, "the wedge")
    watch.wait_for(lambda: closed(watch, "success"), 50, "the recovery")
    assert mailserver.greeting().startswith(b"220")
    told = [record["result"] for record in watch.records("incident") if record["step"]]
    assert told[0].startswith("done, but not verified: amavis was stopped; the state of amavis cannot be known: its")
    assert told[-1].startswith("verified: amavis answers: ")


@pytest.mark.slow
def test_a_broken_policy_keeps_the_last_good_one_and_says_so_until_it_is_mended(
        daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    good = f'[process.hogger]\nexe = "{home}/bin/hogger"\n[limit.hogger]\nprocess = "hogger"\nruntime = "1s"\n'
    watch = daemon(good)
    watch.start()
    watch.write_policy("[process.hogger\n")
    os.kill(watch.pid, signal.SIGHUP)
    watch.wait_for(lambda: watch.status()["policy"]["stale"], 20, "the word of the broken file")
    assert "test.toml:1" in watch.status()["policy"]["faults"][0]
    assert any((record["result"] or "").startswith("rejected") for record in watch.records("policy"))
    child = spawn("import time; time.sleep(100)")
    child.wait(20)
    watch.write_policy(good.replace("1s", "100s"))
    watch.wait_for(lambda: not watch.status()["policy"]["stale"], 20, "the mended policy, without a signal")
    survivor = spawn("import time; time.sleep(100)")
    watch.look(15)
    assert survivor.poll() is None
    watch.close()
    watch.write_policy("[process.hogger\n")
    watch.start()
    assert watch.status()["policy"]["stale"], "a start on broken files takes the last good policy"


def test_two_daemons_never_run_on_the_same_runtime_directory(daemon: MakeDaemon) -> None:
    watch = daemon("")
    watch.start()
    import subprocess
    import sys
    second = subprocess.run([sys.executable, "-c", "from watchdog_oom.daemon import main; main()",
                             *watch.options("policies", "state", "log", "runtime")], capture_output=True, check=False)
    assert second.returncode == 2
    assert f"pid {watch.pid}" in second.stderr.decode()

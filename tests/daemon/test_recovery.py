"""The incident in miniature, end to end, and every way in which a recovery can be cut short."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.miniature.daemon import MakeDaemon, OwnDaemon, Spawn
from tests.miniature.mailserver import MailServer


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
    assert mailserver.processes("clamscan") == []
    assert [entry.name for entry in mailserver.spool.iterdir() if entry.name.startswith("amavis-old")] == []
    assert (mailserver.spool / "not-a-mail").exists()
    assert mailserver.processes("mysqld") == [database]
    verified = [record["step"] for record in watch.records("incident", rule="recover.amavis")
                if (record["result"] or "").startswith("verified")]
    assert [step.split(". ")[1].split()[0] for step in verified] == ["stop", "kill", "purge", "start", "verify"]


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


def test_a_service_that_cannot_be_started_is_tried_attempts_times_then_held_and_rearmed_after_per(
        daemon: MakeDaemon, mailserver: MailServer) -> None:
    mailserver.fill_spool(directories=15)
    script = mailserver.script.read_text()
    recover = 'attempts = 2\nper = "6s"\ncooldown = "500ms"'
    steps = '{ stop = "amavis" }, { start = "stopped", within = "2s" }'
    watch = daemon(policy_for(mailserver, steps=steps, recover=recover), config=config_for(mailserver))
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
    watch.wait_for(lambda: mailserver.service("status") == 0, 30, "the start after the re-arming")


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
    time.sleep(2.5)
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

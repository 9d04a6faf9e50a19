"""A real daemon, and the commands that steer it as an administrator calls them."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.daemon.control.conftest import Clients
from tests.daemon.test_recovery import closed, config_for, policy_for
from tests.miniature.daemon import MakeDaemon, OwnDaemon, Spawn
from tests.miniature.mailserver import MailServer
from tests.miniature.nobody import told_to_nobody
from watchdog_oom.cli import cli
from watchdog_oom.core.history import History
from watchdog_oom.core.pause import Pause
from watchdog_oom.daemon import state_file

CALM = """
[process.leak]
name = "leaks-all-day"
[limit.leak]
process = "leak"
rss = "30MiB"
grace = "1s"
[recover.steps]
when = [ { memory_available_below = "1B" } ]
steps = [ { run = ["/bin/true"] }, { wait = "100ms" }, { run = ["STEP"] } ]
cooldown = "1h"
attempts = 2
verify = false
"""


def calm(step: str = "/bin/true") -> str:
    return CALM.replace("STEP", step)


def ask(watch: OwnDaemon, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--runtime", str(watch.runtime)])


def requests(watch: OwnDaemon) -> list[str]:
    return [str(record["result"]) for record in watch.records("request")]


@pytest.fixture
def leak(spawn: Spawn) -> Callable[[], subprocess.Popen[bytes]]:
    return lambda: spawn("held = bytearray(60 << 20); import time; time.sleep(300)", name="leaks-all-day")


@pytest.fixture
def raw() -> Iterator[Callable[[OwnDaemon], Clients]]:
    made: list[Clients] = []

    def connect(watch: OwnDaemon) -> Clients:
        made.append(Clients(watch.runtime))
        return made[-1]

    yield connect
    for one in made:
        one.close()


def test_who_asks_for_the_status_right_after_a_pause_sees_it(daemon: MakeDaemon) -> None:
    watch = daemon(calm())
    watch.start()
    written = watch.status()["written"]
    assert ask(watch, "pause", "--all", "--for", "2h").exit_code == 0
    watch.wait_for(lambda: watch.status()["written"] > written, 5, "the next status")
    assert watch.status()["pauses"], "the first status after the pause, not one two seconds later"
    assert watch.status()["written"] < written + 1.9


@pytest.mark.slow
def test_in_a_maintenance_nothing_is_done_and_the_journal_says_who_and_why(
        daemon: MakeDaemon, mailserver: MailServer) -> None:
    mailserver.fill_spool(directories=15)
    watch = daemon(policy_for(mailserver), config=config_for(mailserver))
    watch.start()
    paused = ask(watch, "pause", "amavis", "--for", "2h", "--why", "new filter")
    assert paused.exit_code == 0 and "recover.amavis is paused until" in paused.output
    mailserver.service("start")  # by hand; it wedges at once
    watch.wait_for(lambda: any("would stop amavis" in record["result"] for record in watch.records("incident")), 20,
                   "the report of what would be done")
    mailserver.service("stop")
    mailserver.service("start")
    watch.wait_for(lambda: len(mailserver.processes("clamscan")) > 2, 15, "the wedge")
    assert watch.records("intent") == []
    (told,) = watch.records("request")
    assert (told["rule"], told["step"], told["because"]) == ("recover.amavis", "pause amavis for 2h", ["new filter"])
    assert (told["detail"]["uid"], told["detail"]["pid"]) == (os.geteuid(), os.getpid())
    shown = ask(watch, "status").output
    assert "recover.amavis is PAUSED until" in shown and f"by {by(watch)}: new filter" in shown
    (status,) = watch.status()["pauses"]
    assert (status["rule"], status["why"]) == ("recover.amavis", "new filter")
    assert 7000 < status["for_seconds"] <= 7200 and abs(status["until"] - time.time() - 7200) < 60
    assert ask(watch, "resume", "amavis").exit_code == 0
    watch.wait_for(lambda: closed(watch, "success"), 40, "the recovery, now that it may")
    assert watch.status()["pauses"] == []


@pytest.mark.slow
def test_a_pause_outlives_the_daemon_and_a_kill_of_it(daemon: MakeDaemon,
                                                      leak: Callable[[], subprocess.Popen[bytes]]) -> None:
    watch = daemon(calm())
    watch.start()
    assert ask(watch, "pause", "--all", "--for", "1h").exit_code == 0
    watch.stop(signal.SIGKILL)
    watch.start()
    process = leak()
    watch.wait_for(lambda: any("paused by" in r["result"] for r in watch.records("incident")), 10,
                   "a report")
    assert process.poll() is None and watch.records("intent") == []
    again = ask(watch, "pause", "leak", "--for", "1h")
    assert again.exit_code == 1 and f"paused already by {by(watch)} until" in again.output
    watch.stop()
    watch.start()
    assert watch.status()["pauses"][0]["rule"] == "all"
    assert ask(watch, "resume", "--all").exit_code == 0
    assert process.wait(10) == -signal.SIGTERM


def by(watch: OwnDaemon) -> str:
    first = watch.records("request")[0]
    return str(first["result"]).removeprefix("asked by ").partition(":")[0]


def test_a_pause_ends_by_itself_and_that_is_told(daemon: MakeDaemon,
                                                 leak: Callable[[], subprocess.Popen[bytes]]) -> None:
    watch = daemon(calm())
    watch.start()
    ask(watch, "pause", "limit.leak", "--for", "2s")
    process = leak()
    assert process.wait(15) == -signal.SIGTERM
    (over,) = [record for record in watch.records("incident") if "the pause is over" in record["result"]]
    assert over["rule"] == "limit.leak"


def test_a_run_by_hand_shows_each_step_and_its_end_and_counts_as_an_attempt(daemon: MakeDaemon) -> None:
    watch = daemon(calm())
    watch.start()
    ran = ask(watch, "run", "steps", "--yes", "--why", "smoke")
    assert ran.exit_code == 0, ran.output
    assert ran.output.splitlines() == [
        "recover.steps runs now: 3 steps", "opened", "1. run /bin/true: verified: done",
        "2. wait 0.1s: verified: waited 0.1s", "3. run /bin/true: verified: done", "closed: success",
        "recover.steps: success"]
    opened = next(record for record in watch.records("incident") if record["result"] == "opened")
    assert opened["because"] == [f"asked for by {by(watch)}: smoke"]
    assert ask(watch, "run", "steps", "--yes").exit_code == 0, "a cooldown is for clauses"
    third = ask(watch, "run", "steps", "--yes")
    assert third.exit_code == 1 and "its 2 attempts are used up" in third.output
    armed = ask(watch, "rearm", "steps")
    assert armed.exit_code == 0 and "2 attempts" in armed.output
    assert ask(watch, "run", "steps", "--yes").exit_code == 0


@pytest.mark.slow
def test_the_demo_s_recovery_is_run_by_hand_though_nothing_is_wrong(daemon: MakeDaemon, mailserver: MailServer) -> None:
    watch = daemon(policy_for(mailserver), config=config_for(mailserver))
    mailserver.service("start")
    watch.start()
    ran = ask(watch, "run", "recover.amavis", "--yes")
    assert ran.exit_code == 0, ran.output
    assert [line.split(" ")[1] for line in ran.output.splitlines() if ": verified: " in line] == [
        "stop", "kill", "purge", "start", "verify"]
    assert mailserver.greeting().startswith(b"220")


@pytest.mark.slow
def test_a_run_that_fails_ends_with_1_and_says_where(daemon: MakeDaemon) -> None:
    watch = daemon(calm("/bin/false"))
    watch.start()
    ran = ask(watch, "run", "steps", "--yes")
    assert ran.exit_code == 1 and "recover.steps: failed: run /bin/false" in ran.output


def test_a_run_that_does_not_exist_is_answered_with_the_nearest_name(daemon: MakeDaemon) -> None:
    watch = daemon(calm())
    watch.start()
    for wrong, near in (("setps", "steps"), ("recover.stepz", "recover.steps")):
        ran = ask(watch, "run", wrong, "--yes")
        assert ran.exit_code == 2 and f'did you mean "{near}"?' in ran.output
    assert "the rules are limit.leak, recover.steps, emergency" in ask(watch, "rearm", "q").output


def test_reload_waits_for_the_files_and_prints_their_faults(daemon: MakeDaemon) -> None:
    watch = daemon(calm())
    watch.start()
    watch.write_policy('[limit.other]\nprocess = "leak"\nrss = "1GiB"\n', "more.toml")
    done = ask(watch, "reload")
    assert (done.exit_code, "in force" in done.output) == (0, True), done.output
    assert ask(watch, "pause", "other", "--for", "1s").exit_code == 0, "the rule of the new file is known"
    watch.write_policy('[limit.other]\nprocess = "nobody"\n', "more.toml")
    refused = ask(watch, "reload")
    assert refused.exit_code == 2
    assert f'{watch.policies}/more.toml:2: [limit.other] process: there is no [process.nobody]' in refused.output


def test_what_is_asked_while_the_daemon_does_not_run_ends_with_4_and_one_line(daemon: MakeDaemon) -> None:
    watch = daemon(calm())
    for command in (["reload"], ["pause", "--all", "--for", "1h"], ["resume", "--all"], ["rearm", "x"],
                    ["run", "x", "--yes"]):
        asked = ask(watch, *command)
        assert (asked.exit_code, len(asked.output.splitlines())) == (4, 1)
        assert "the daemon is not running" in asked.output


def test_a_killed_daemon_leaves_a_socket_behind_that_nobody_takes_for_a_daemon(daemon: MakeDaemon) -> None:
    watch = daemon(calm())
    watch.start()
    watch.stop(signal.SIGKILL)
    assert (watch.runtime / "control").exists()
    assert ask(watch, "reload").exit_code == 4
    watch.start()
    assert ask(watch, "reload").exit_code == 0
    watch.stop()
    assert not (watch.runtime / "control").exists()


def test_wrong_usage_ends_with_2_and_changes_nothing(daemon: MakeDaemon) -> None:
    watch = daemon(calm())
    watch.start()
    for words, told in (
            ("pause leak --for 10y", "is not a unit of time"), ("pause leak --for 8d", "between 1s and 7d"),
            ("pause leak --for 10ms", "between 1s and 7d"), ("pause --for 1h", "name one rule, or --all"),
            ("pause leak --all --for 1h", "not both"), ("run steps", "say --yes"),
            ("run limit.leak --yes", "is neither a recovery nor a cleaning")):
        asked = ask(watch, *words.split())
        assert asked.exit_code == 2 and told in asked.output, asked.output
    assert watch.status()["pauses"] == []


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_another_user_is_refused_with_3_and_journaled_once_a_minute(daemon: MakeDaemon) -> None:
    watch = daemon(calm())
    watch.start()
    for directory in (watch.home, *watch.home.parents):
        if directory.stat().st_uid == 0 and len(directory.parts) > 2:
            directory.chmod(0o755)
    assert as_nobody(watch) == (3, "watchdog-oom: only root may ask the daemon this; run it as root\n")
    (watch.runtime / "control").chmod(0o666)  # then only who asks is left to tell them apart
    for _ in range(4):
        assert as_nobody(watch) == (3, "watchdog-oom: only root may ask this; run it as root\n")
    (told,) = watch.records("request")
    assert "was refused: only root may ask" in told["result"] and told["ok"] is False
    assert watch.status()["pauses"] == []


def as_nobody(watch: OwnDaemon) -> tuple[int, str]:
    """Exit status and words of a pause that an ordinary user asks for."""
    return told_to_nobody(lambda: ask(watch, "pause", "--all", "--for", "1h"))


def test_garbage_is_answered_with_one_line_and_journaled_once_a_minute(
        daemon: MakeDaemon, raw: Callable[[OwnDaemon], Clients]) -> None:
    watch = daemon(calm())
    watch.start()
    for data in (b"\x00\xff\n", b"x" * 9000, b'{"v": 1, "ask": "shutdown"}\n', b"\n", b"[" * 4000 + b"\n"):
        asking = raw(watch)()
        asking.send(data)
        (told,) = asking.told()
        assert told["exit"] == 2, told
    silent = raw(watch)()
    began = time.monotonic()
    (told,) = silent.told()
    assert "within 2s" in str(told["words"]) and time.monotonic() - began < 5
    assert len(watch.records("request")) == 1 and "was not understood" in requests(watch)[0]
    assert ask(watch, "reload").exit_code == 0
    assert watch.records("late") == [] and watch.status()["health"]["failed_ticks"] == 0


def test_who_waits_for_a_run_is_told_when_the_daemon_stops(daemon: MakeDaemon,
                                                           raw: Callable[[OwnDaemon], Clients]) -> None:
    watch = daemon(calm().replace('"100ms"', '"60s"'))
    watch.start()
    asking = raw(watch)()
    asking.send(b'{"v": 1, "ask": "run", "rule": "steps"}\n')
    watch.wait_for(lambda: watch.status()["recoveries"]["steps"]["state"] == "running", 10, "the run")
    under_way = ask(watch, "run", "steps", "--yes")
    assert under_way.exit_code == 1 and "is under way already" in under_way.output
    watch.stop()
    last = asking.told()[-1]
    assert last["exit"] in (1, 4) and "daemon stops" in str(last["words"])


def test_a_daemon_that_cannot_make_its_socket_watches_without_it_and_says_so(daemon: MakeDaemon) -> None:
    watch = daemon(calm())
    watch.runtime.mkdir()
    (watch.runtime / "control").mkdir()
    watch.start()
    assert any("nobody can ask it anything" in trouble for trouble in watch.status()["health"]["troubles"])


def test_on_a_terminal_the_steps_are_shown_and_it_is_asked_first(daemon: MakeDaemon) -> None:
    watch = daemon(calm())
    watch.start()
    leader, terminal = pty.openpty()
    command = [sys.executable, "-c", "from watchdog_oom.cli import main; main()", "run", "steps",
               *watch.options("runtime", "policies"), "--config", str(watch.config)]
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        while b"Run it now?" not in shown:
            shown += os.read(leader, 4096)
        assert b"recover.steps would run" in shown and b"2. wait 0.1s" in shown
        assert watch.records("request") == []
        os.write(leader, b"n\n")
        assert process.wait(10) == 1
    os.close(leader)
    assert watch.records("request") == []


def test_a_name_is_completed_from_the_rules_of_the_running_daemon(daemon: MakeDaemon) -> None:
    watch = daemon(calm())
    watch.start()
    environment = {**os.environ, "_WATCHDOG_OOM_COMPLETE": "bash_complete", "COMP_CWORD": "4",
                   "COMP_WORDS": f"watchdog-oom pause --runtime {watch.runtime} re"}
    told = subprocess.run([sys.executable, "-c", "from watchdog_oom.cli import main; main()"], env=environment,
                          capture_output=True, text=True, timeout=20, check=False)
    assert told.stdout == "plain,recover.steps\n"


def test_a_pause_of_before_a_boot_lasts_what_the_date_leaves_of_it(tmp_path: Path) -> None:
    now = time.time()
    pauses = {"limit.x": Pause(5.0, now + 3600, "root (pid 12)", "kernel"), "limit.y": Pause(9e9, now - 1, "root", "")}
    state_file.save(str(tmp_path), state_file.to_plain("old", History(pauses=pauses), {}))
    restored = state_file.restore(str(tmp_path), "new", History())
    boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert restored.reboot and abs(restored.history.pauses["limit.x"].until - boottime - 3600) < 5
    assert restored.history.pauses["limit.y"].until < boottime, "it is over, which the first tick tells"

"""``watchdog-oom status``: a real daemon asked, and pages of daemons in trouble."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from watchdog_oom.cli.daemon_lock import running_daemon
from watchdog_oom.cli.status.page import page_of
from watchdog_oom.cli.status.rules_near import NearRules
from watchdog_oom.cli.status.seen import Seen
from watchdog_oom.core.policy import Policy, Recover, RecoveryStep, Verb
from watchdog_oom.explain.closeness import Closeness

Run = Callable[..., Result]
COMMAND = [sys.executable, "-c", "from watchdog_oom.cli import main; main()"]
NOW = 1_800_000_000.0


def _until(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """A real daemon that only observes, in directories of its own; its runtime directory and its process."""
    base = tmp_path_factory.mktemp("daemon")
    folders = {name: base / name for name in ("policies", "state", "log", "runtime")}
    for folder in folders.values():
        folder.mkdir(mode=0o755)
    (folders["policies"] / "p.toml").write_text('description = "For a test"\n[process.x]\nname = "x-never"\n'
                                                '[limit.x]\nprocess = "x"\nrss = "1GiB"\n')
    (folders["policies"] / "p.toml").chmod(0o644)
    options = [word for name, folder in folders.items() for word in (f"--{name}", str(folder))]
    program = "import sys; from watchdog_oom.daemon import main; main(sys.argv[1:])"
    with open(base / "stderr", "wb") as errors:
        process = subprocess.Popen([sys.executable, "-c", program, *options, "--observe"], stderr=errors)
    try:
        _until(lambda: (folders["runtime"] / "status.json").exists() or process.poll() is not None, "the daemon")
        assert process.poll() is None, (base / "stderr").read_text()
        yield folders["runtime"], process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_a_running_daemon_is_shown_and_ends_with_0(run: Run, daemon: tuple[Path, subprocess.Popen[bytes]]) -> None:
    runtime, process = daemon
    result = run("status", "--runtime", runtime)
    assert result.exit_code == 0, result.output
    first = result.stdout.splitlines()[0]
    assert first.startswith("watchdog-oomd has run for ")
    assert f"pid {process.pid}  OBSERVES ONLY" in first
    assert "For a test" in result.stdout
    assert "limit: x" in result.stdout
    assert "\x1b" not in result.stdout


def test_json_is_the_daemons_file_with_the_keys_that_are_documented(
        run: Run, daemon: tuple[Path, subprocess.Popen[bytes]], documented: Callable[..., list[str]]) -> None:
    plain = json.loads(run("status", "--runtime", daemon[0], "--json").stdout)
    assert list(plain) == documented("`status --json`")
    assert plain["pid"] == daemon[1].pid


def test_asking_leaves_the_lock_with_the_daemon(daemon: tuple[Path, subprocess.Popen[bytes]]) -> None:
    runtime, process = daemon
    assert [running_daemon(str(runtime)) for _ in range(3)] == [process.pid] * 3


def test_a_lock_file_that_nobody_holds_is_no_daemon(run: Run, tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(f"{os.getpid()}\n")
    (tmp_path / "status.json").write_text('{"v": 1}')
    result = run("status", "--runtime", tmp_path)
    assert (result.exit_code, result.stdout) == (4, "")
    lines = result.stderr.splitlines()
    assert lines[0] == f"watchdog-oom: the daemon is not running (nobody holds {tmp_path}/lock)"
    assert "start it with: " in lines[1] and "watchdog-oomd" in lines[1]
    assert ("systemctl" in lines[1]) == Path("/run/systemd/system").is_dir(), "only what this host has"
    assert run("status", "--runtime", tmp_path / "never").exit_code == 4


def test_a_daemon_that_ended_is_not_running(tmp_path: Path, run: Run) -> None:
    with open(tmp_path / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4242\n")
        lock.flush()
        (tmp_path / "status.json").write_text(json.dumps({"v": 1, "pid": 4242, "written": time.time()}))
        assert run("status", "--runtime", tmp_path).exit_code == 0
    assert run("status", "--runtime", tmp_path).exit_code == 4


@pytest.mark.parametrize(("content", "words"), [
    (b'{"v": 1, "pid', "is damaged"), (b"[" * 100_000, "is damaged"), (b"[]", "has version None"),
    (b'{"v": 2}', "has version 2, but this command understands 1"), (b"\xff\xfe", "is damaged"),
])
def test_a_status_that_cannot_be_understood_is_one_line(run: Run, tmp_path: Path, content: bytes, words: str) -> None:
    with open(tmp_path / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (tmp_path / "status.json").write_bytes(content)
        result = run("status", "--runtime", tmp_path)
    assert result.exit_code == 70
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr


def test_a_daemon_that_is_starting_is_waited_for(run: Run, tmp_path: Path) -> None:
    with open(tmp_path / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = run("status", "--runtime", tmp_path)
    assert result.exit_code == 4
    assert "has not written its status yet" in result.stderr


def test_watch_and_json_exclude_each_other(run: Run, tmp_path: Path) -> None:
    assert run("status", "--runtime", tmp_path, "--watch", "--json").exit_code == 2


def _heed_ctrl_c() -> None:
    """Tests that a shell runs in the background inherit that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_watching_ends_with_0_on_ctrl_c(daemon: tuple[Path, subprocess.Popen[bytes]]) -> None:
    watching = subprocess.Popen([*COMMAND, "status", "--watch", "--runtime", str(daemon[0])], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, preexec_fn=_heed_ctrl_c)
    try:
        assert watching.stdout is not None
        seen = b""
        while seen.count(b"watchdog-oomd has run for") < 2:
            assert select.select([watching.stdout], [], [], 20)[0]
            seen += os.read(watching.stdout.fileno(), 1 << 16)
        watching.send_signal(signal.SIGINT)
        _, errors = watching.communicate(timeout=20)
        assert (watching.returncode, errors) == (0, b"")
        assert b"\x1b" not in seen
    finally:
        watching.kill()
        watching.communicate()


def test_watching_on_a_terminal_redraws_and_ends_with_0_on_ctrl_c(
        daemon: tuple[Path, subprocess.Popen[bytes]]) -> None:
    ours, theirs = os.openpty()
    watching = subprocess.Popen([*COMMAND, "status", "--watch", "--runtime", str(daemon[0])], stdout=theirs,
                                stderr=theirs, stdin=theirs, env={**os.environ, "TERM": "xterm"},
                                preexec_fn=_heed_ctrl_c)
    os.close(theirs)
    try:
        seen = b""
        while seen.count(b"watchdog-oomd") < 2:
            assert select.select([ours], [], [], 20)[0]
            seen += os.read(ours, 1 << 16)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 0
        assert b"\x1b[" in seen
        assert b"Traceback" not in seen
    finally:
        watching.kill()
        watching.wait()
        os.close(ours)


def _page(**parts: Any) -> str:
    status = {"v": 1, "pid": 9, "written": NOW, "started": NOW - 60, **parts}
    return page_of(status, NOW).text()


def test_an_old_status_is_said_loudly() -> None:
    assert "THIS IS OLD" not in _page(written=NOW - 29)
    assert "THIS IS OLD: the daemon has written nothing for 31s" in _page(written=NOW - 31)
    assert "the date was set back" in _page(written=NOW + 3600)


def test_broken_policy_files_are_said_loudly_with_every_fault_in_red() -> None:
    status = {"written": NOW, "policy": {"faults": ["a.toml:1: x", "b.toml:2: y"], "notes": ["this is old"]}}
    lines = page_of(status, NOW).text().splitlines()
    assert lines[1].startswith("THE POLICY FILES ARE BROKEN")
    assert lines[2:4] == ["  a.toml:1: x", "  b.toml:2: y"]
    assert "\x1b[31ma.toml:1: x\x1b[0m" in page_of(status, NOW).text(colour=True)


def test_memory_that_cannot_be_judged_stands_at_the_top() -> None:
    page = page_of({"written": NOW, "memory": None, "memory_problem": "meminfo: no memory at all"}, NOW)
    line = page.text().splitlines()[1]
    assert line.startswith("Memory cannot be judged: the emergency and every condition")
    assert line.endswith("(meminfo: no memory at all)")


def test_where_memory_comes_from_and_what_is_odd_about_it_is_told() -> None:
    memory = {"total_bytes": 1 << 30, "available_bytes": 1 << 29, "available_percent": 50.0, "zfs_bytes": 1 << 28,
              "group": "/docker/x", "doubts": ["meminfo: more swap free than there is"]}
    page = _page(memory=memory)
    assert "(512 MiB of 1 GiB), 256 MiB of it ZFS cache, bound by the control group /docker/x" in page
    assert "meminfo: more swap free than there is" in page


def test_recoveries_tell_their_attempts_holds_and_steps() -> None:
    common = {"mode": "act", "attempts": 2, "attempts_allowed": 3, "per_seconds": 21600}
    run = {"incident": "mail-1.7", "because": ["5 processes match"], "phase": "running", "step": "kill scanner",
           "step_number": 2, "steps": 5, "for_seconds": 12.5, "stopped": ["amavis"], "failure": None,
           "probing": {"service": "amavis", "tries": 11, "for_seconds": 12.0, "last": "Connection refused"}}
    page = _page(recoveries={
        "a": {**common, "state": "armed"}, "c": {**common, "state": "running", "run": run},
        "b": {**common, "state": "held", "held_until": NOW + 86400, "owed": ["mail"]},
        "d": {**common, "state": "cooling down", "cooldown_seconds": 240, "last_result": "failed: x",
              "last_ended": NOW - 60}})
    assert "a  armed  2/3 attempts in 6h" in page
    assert "b  held until 20" in page
    assert "still down, to be started: mail" in page
    assert "running for 12s  step 2 of 5: kill scanner  [mail-1.7]" in page
    assert "stopped, to be started again: amavis" in page
    assert "probing amavis for 12s, asked 11 times, the last answer: Connection refused" in page
    assert "d  cooling down for another 4min" in page
    assert "last: failed: x" in page


def test_cleanings_tell_when_they_run_next_and_how_the_last_one_came_out() -> None:
    common = {"spool": "s", "mode": "act", "every_seconds": 3600.0, "due": NOW + 60}
    page = _page(rules={"clean": ["a", "b", "c"]}, cleans={
        "a": {**common, "state": "waiting", "why_waiting": "it is due in 1min", "last_result": "3 entries cleared",
              "last_ended": NOW - 60},
        "b": {**common, "state": "running", "for_seconds": 12.0, "mode": "observe"},
        "c": {**common, "state": "waiting", "due": NOW - 5, "why_waiting": "there is an emergency"}, "d": {}})
    assert "clean: a, b, c" in page
    assert "a  s, every 1h: waiting until " in page
    assert "last: 3 entries cleared, " in page
    assert "b  s, every 1h: running for 12s  only observes" in page
    assert "c  s, every 1h: waiting: there is an emergency" in page


def test_who_is_protected_ended_frozen_and_contained_and_what_was_lost_is_told() -> None:
    page = _page(
        protected=[{"pid": 7, "name": "db", "oom_score_adj": -900, "was": 0}],
        ending=[{"pid": 8, "name": "a\x1b[2J", "rule": "limit.x", "stage": "unkillable", "for_seconds": 15}],
        contained=[{"unit": "x.scope", "rule": "limit.z", "memory_high_bytes": 1 << 30, "for_seconds": 90}],
        frozen=[{"pid": 9, "rule": "limit.y"}],
        emergency="emergency-1.2",
        rules={"emergency": "act"},
        health={
            "ticks": 5,
            "late_ticks": 2,
            "journal_dropped": 3,
            "troubles": ["CAP_KILL: x"],
            "skipped": {"process": 4},
        },
    )
    assert "7           -900    0  db" in page
    assert "a\\x1b[2J[8]: unkillable for 15s  [limit.x]" in page
    assert "pid 9: frozen  [limit.y]" in page
    assert "x.scope: throttled above 1 GiB for 1min30s  [limit.z]" in page
    assert "under way (emergency-1.2)" in page
    assert "5 ticks, 2 late, 0 failed" in page
    assert "3 lost" in page
    assert "4 readings failed: process" in page


def test_a_score_that_could_not_be_written_is_shown_as_not_written_with_the_reason() -> None:
    page = _page(protected=[
        {"pid": 7, "name": "db", "oom_score_adj": -900, "was": 0, "not_written": "not permitted"},
        {"pid": 8, "name": "web", "oom_score_adj": -500, "was": 5, "not_written": None}])
    assert "7    not written    0  db" in page
    assert "8           -500    5  web" in page
    assert "oom_score_adj of db[7] is not written: not permitted" in page


def test_hooks_tell_how_they_fared_and_one_that_fails_needs_attention() -> None:
    failed = {"argv": ["/sbin/dump", "-x"], "for_seconds": 3.0, "waiting": 2, "runs": 4, "failed": 1, "passed_over": 7,
              "ok": False, "last_failure": "ended with status 3: no room", "last_failed": 1_000.0}
    page = _page(hooks={"before_kill": failed, "hold_begins": {"argv": ["/sbin/page"], "runs": 0, "failed": 0}})
    assert "the hook before_kill failed: ended with status 3: no room" in page.partition("Hooks")[0]
    assert "before_kill  /sbin/dump -x: has been running for 3s, 4 runs, 1 failed, 2 waiting, 7 passed over" in page
    assert "hold_begins  /sbin/page: 0 runs, 0 failed" in page
    fine = _page(hooks={"before_kill": {**failed, "ok": True}})
    assert "the hook before_kill failed" not in fine


def test_a_status_of_another_release_with_nothing_in_it_is_shown_all_the_same() -> None:
    assert "memory could not be read" in page_of({}, NOW).text()
    odd = {"memory": [], "recoveries": {"x": {}}, "protected": "no", "policy": 5, "health": {"skipped": 3}}
    assert "watchdog-oomd" in page_of(odd, NOW).text(colour=True)


def test_what_needs_attention_stands_before_everything_else_and_what_is_well_is_not_in_it() -> None:
    page = _page(
        emergency="emergency-1.2", health={"troubles": ["no CAP_KILL"]},
        ending=[{"pid": 9, "name": "hog", "rule": "limit.l", "stage": "unkillable", "for_seconds": 9},
                {"pid": 8, "name": "ok", "rule": "limit.l", "stage": "TERM", "for_seconds": 1}],
        spools={"s": {"path": "/s", "problem": "it is a link"}, "t": {"path": "/t", "problem": None}},
        services={"db": {"unit": "db.service", "status": "failed"}, "web": {"unit": "w", "status": "active"}},
        recoveries={"a": {"state": "armed"}, "b": {"state": "held", "held_until": NOW + 60, "owed": ["mail"]},
                    "c": {"state": "running", "run": {"phase": "steps", "step_number": 2, "steps": 5,
                                                        "step": "kill x"}}})
    wrong = page.partition("Needs attention\n")[2].partition("\n\n")[0].splitlines()
    assert page.index("Needs attention") < page.index("\nPolicy\n")
    assert [line.strip() for line in wrong if "held" not in line] == [
        "an emergency is under way (emergency-1.2)", "still down, to be started by recover.b: mail",
        "recover.c runs (steps, step 2 of 5)", "spool s: it is a link", "db: db.service is failed",
        "hog[9] cannot be killed  [limit.l]", "no CAP_KILL"]
    assert wrong[1].strip().startswith("recover.b is held until ")


def test_pauses_stand_first_with_until_when_by_whom_and_why_under_either_name() -> None:
    pauses = [{"rule": "limit.x", "until": NOW + 60, "by": "root (alice)", "why": "new disk"}, {"rule": "all"}]
    for key in ("paused", "pauses"):
        page = _page(**{key: pauses}, recoveries={"b": {"state": "held", "held_until": NOW + 60}})
        wrong = [line.strip() for line in page.partition("Needs attention\n")[2].splitlines()[:3]]
        assert wrong[0].startswith("limit.x is PAUSED until ")
        assert wrong[0].endswith(" by root (alice): new disk")
        assert wrong[1] == "every rule is PAUSED"
        assert wrong[2].startswith("recover.b is held")


def _with_policy(**parts: Any) -> str:
    """A page of somebody who knows the policy."""
    steps = (RecoveryStep(Verb.STOP, ("mail",)), RecoveryStep(Verb.KILL, ("scanner",)),
             RecoveryStep(Verb.PURGE, ("s",)))
    policy = Policy(recovers={"mail": Recover("mail", (), steps)})
    near = NearRules(policy, (Closeness("recover.mail", 1.5, "9 match"), Closeness("limit.x", None, "not read")))
    status = {"v": 1, "pid": 9, "written": NOW, "started": NOW - 60, **parts}
    return page_of(status, NOW, Seen(near=near, width=80)).text()


def test_a_running_recovery_is_shown_step_by_step() -> None:
    run = {"incident": "mail-1.7", "phase": "running", "step": "kill scanner", "step_number": 2, "steps": 3}
    page = _with_policy(recoveries={"mail": {"state": "running", "run": run}})
    assert page.index("Needs attention") < page.index("Under way") < page.index("\nHost\n")
    lines = [line.strip() for line in page.splitlines()]
    assert {"done   1. stop mail", "now    2. kill scanner", "-    3. purge s"} <= set(lines)
    failed = _with_policy(recoveries={"mail": {"run": {**run, "failure": "it stays", "phase": "starting again"}}})
    assert "FAILED 2. kill scanner" in failed
    assert "failed: it stays" in failed
    other = _with_policy(recoveries={"mail": {"run": {**run, "steps": 5}}})
    assert "1. stop mail" not in other, "the policy has changed meanwhile: its steps are not those of the run"
    assert "step 2 of 5: kill scanner" in other


def test_the_nearest_rules_have_bars_and_what_keeps_a_recovery_from_acting_is_told() -> None:
    lines = _with_policy(recoveries={"mail": {"state": "held"}}).splitlines()
    at = lines.index("Nearest to acting")
    assert lines[at + 1:at + 3] == ["  [============] 150%  recover.mail (held)  9 match",
                                    "  [............]    ?  limit.x  not read"]


def test_gauges_have_the_emergencys_thresholds_on_them_and_say_when_one_is_passed() -> None:
    memory = {"total_bytes": 1 << 30, "available_bytes": 1 << 29, "available_percent": 50.0,
              "swap_total_bytes": 1 << 30, "swap_free_bytes": 1 << 26, "swap_free_percent": 6.2}
    page = _with_policy(memory=memory, pressure={"some_avg10": 40, "full_avg10": 22})
    assert "  [======.....|] memory available 50% (512 MiB of 1 GiB); emergency below 8%\n" in page
    assert "  [==========|.] swap free 6.2% (64 MiB); emergency below 10%, PASSED\n" in page
    assert "  [===.....|...] pressure over 10 s: some 40%, full 22%; emergency above 70%\n" in page
    assert "emergency below" not in _page(memory=memory), "without the policy the thresholds are not known"


def test_the_last_acts_are_told_with_their_failures_and_why_there_are_none() -> None:
    acts: list[dict[str, object]] = [
        {"time": "2026-11-26T10:00:00Z", "kind": "outcome", "step": "TERM a\x1b[2J[7]", "result": "gone",
         "rule": "limit.x", "ok": False}, {"time": "odd", "kind": "refused", "step": "TERM sshd[1]"}]
    status = {"v": 1, "pid": 9, "written": NOW, "started": NOW - 60}
    lines = page_of(status, NOW, Seen(actions=acts)).text().splitlines()
    at = lines.index("Last actions")
    assert lines[at + 1].endswith("TERM a\\x1b[2J[7]: failed: gone  [limit.x]")
    assert lines[at + 2] == "  at an unknown time  refused: TERM sshd[1]"
    assert "only root may" in page_of(status, NOW, Seen(no_actions="only root may read the journal")).text()


def test_of_an_act_without_a_step_the_words_are_told_and_not_the_record_of_its_target() -> None:
    acts = [{"time": "odd", "kind": "incident", "target": {"pid": 7, "name": "a"}, "rule": "limit.x",
             "result": "reported: would TERM a[7]"}]
    page = page_of({"v": 1, "pid": 9, "written": NOW, "started": NOW - 60}, NOW, Seen(actions=acts)).text()
    assert "incident: reported: would TERM a[7]  [limit.x]" in page


def test_a_host_on_which_all_is_well_needs_no_attention() -> None:
    assert "Needs attention" not in _page(recoveries={"a": {"state": "armed"}})

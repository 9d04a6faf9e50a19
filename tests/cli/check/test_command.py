"""``watchdog-oom check``: every fault at its line, what each noun matches, and every warning with its reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]
Write = Callable[..., Path]

CLEAN = """\
[spool.a]
path = "/nowhere"
entries = "a"
stale_after = "1h"
[clean.one]
spool = "a"
"""
FINE = """\
description = "Scanners"
[process.scanner]
name = "scan*"
[limit.scanner]
process = "scanner"
rss     = "400MiB"
"""


def _warnings(result: Result) -> list[tuple[int, str, str]]:
    return [(one["line"], one["where"], one["what"]) for one in json.loads(result.stdout)["warnings"]]


def test_a_valid_policy_that_matches_ends_with_0_and_shows_whom(run: Run, policy: Write, host: Any) -> None:
    host.put(71, "scanner", uid=0, rss_mib=120, age_seconds=100, unit="mail.service")
    result = run("check", policy(FINE), "--proc", host.root)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "Scanners"
    assert "scanner matches 1 process" in result.stdout
    row = next(line for line in result.stdout.splitlines() if line.endswith("scanner") and "71" in line)
    words = row.split()
    assert words.pop(5).startswith("1min4")
    assert words == ["71", "root", "-", "120", "MiB", "mail.service", "?", "scanner"]
    assert result.stdout.splitlines()[-1] == "valid"


def test_every_fault_stands_on_its_own_line_and_ends_with_2(run: Run, policy: Write, host: Any) -> None:
    path = policy('[process.p]\nexec = "/bin/x"\n[limit.l]\nprocess = "q"\nrss = "4M"\n')
    result = run("check", path, "--proc", host.root)
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0] == f'{path}:2: [process.p]: unknown key "exec" — did you mean "exe"?'
    assert lines[1].startswith(f"{path}:4: [limit.l] process: there is no [process.q]")
    assert lines[2].startswith(f"{path}:5: [limit.l] rss: ")
    assert lines[3] == "watchdog-oom: not valid: 3 faults"
    plain = json.loads(run("check", path, "--json").stdout)
    assert [fault["line"] for fault in plain["faults"]] == [2, 4, 5]


def test_a_file_that_is_not_there_is_a_fault(run: Run, tmp_path: Path) -> None:
    result = run("check", tmp_path / "never.toml")
    assert result.exit_code == 2
    assert "never.toml: cannot be read: No such file or directory" in result.stderr


def test_an_empty_directory_stands_for_the_built_in_policy(run: Run, tmp_path: Path, host: Any) -> None:
    (tmp_path / "none").mkdir(mode=0o755)
    result = run("check", "--policies", tmp_path / "none", "--proc", host.root)
    assert "Keeps the host reachable" in result.stdout
    assert "no policy file found: using the shipped" in result.stdout


def test_without_the_host_only_the_files_are_judged(run: Run, policy: Write, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    result = run("check", policy(FINE), "--no-host", "--json", "--proc", tmp_path / "nothing")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["host"] is None


LIMIT = '\n[limit.l]\nprocess = "p"\nruntime = "9d"\n'
RECOVER = '[recover.r]\nwhen = [{ memory_available_below = "1%" }]\nsteps = '


@pytest.mark.parametrize(("text", "line", "where", "what"), [
    ('[process.p]\nname = "sixteen-byte-nam"' + LIMIT, 2, "[process.p] name", 'write "sixteen-byte-na"'),
    ('[process.p]\ncmdline = "scan"' + LIMIT, 2, "[process.p] cmdline", "only the command line selects"),
    ('[process.p]\nname = "x"\ncmdline = "(a+)+$"' + LIMIT, 3, "[process.p] cmdline", "a repetition in a repetition"),
    ('[process.p]\nname = "scanner"\n', 1, "[process.p]", "nothing uses it"),
    ('[spool.s]\npath = "/var/spool/never/x"\nentries = "*"\nstale_after = "1h"\n', 1, "[spool.s]", "nothing uses it"),
    ('[process.p]\nname = "scanner"' + LIMIT + '[protect.x]\nprocess = "p"\n', 4, "[limit.l] process",
     "p is protected by protect.x"),
    ('[process.p]\nname = "scanner"\n[protect.x]\nprocess = "p"\n' + RECOVER + '[{ kill = "p" }]\n', 7,
     "[recover.r] steps #1 kill", "p is protected by protect.x"),
    ('[process.p]\nname = "scanner"\n' + RECOVER + '[{ kill = "p" }]\n', 5, "[recover.r] steps",
     "there is a kill but no verify"),
    ('[process.p]\nname = "scanner"\n' + RECOVER + '[{ kill = "p" }, { verify = "v" }]\nverify = false\n'
     '[service.v]\nunit = "v.service"\n', 6, "[recover.r] verify", "there is a verify step"),
    ('description = "nothing"\n', 1, "", "while it is there the built-in one"),
    ('[process.p]\nname = "mysqld"' + LIMIT, 2, "[process.p] name", '"mysqld" — is it "mariadbd"?'),
    ('[process.p]\nexe = "/usr/sbin/never-mysqld"' + LIMIT, 2, "[process.p] exe", "is not here"),
    (f'[process.p]\nexe = "{sys.executable}"' + LIMIT, 2, "[process.p] exe", "is not running"),
    ('[process.p]\nname = "scanner"\nuser = "nobody-here"' + LIMIT, 3, "[process.p] user",
     'there is no user "nobody-here"'),
    ('[process.p]\nname = "scanner"\nuser = "4242"' + LIMIT, 3, "[process.p] user", "no process runs as"),
    ('[process.p]\nname = "scanner"\nunit = "mariadbb.service"' + LIMIT, 3, "[process.p] unit",
     'is it "mariadb.service"?'),
    ('[process.p]\nname = "scanner"\nunit = "worker.service"' + LIMIT, 3, "[process.p] unit",
     'a user\'s own manager runs it: "user@1000.service/worker.service"'),
    ('[process.p]\nexe = "/usr/bin/node"\nunit = "user@*.service/shop.service"' + LIMIT, 3, "[process.p] unit",
     "every user can call a unit of his own so"),
    ('[process.p]\nname = "scanner"\nunit = "mariadb.service"' + LIMIT, 1, "[process.p]", "all of its keys together"),
    ('[spool.s]\npath = "/var/spool/never/x"\nentries = "*"\nstale_after = "1h"\n' + RECOVER + '[{ purge = "s" }]\n', 2,
     "[spool.s] path", "/var/spool/never does not exist"),
    ('[service.s]\nunit = "no-such-thing.service"\n' + RECOVER + '[{ restart = ["s"] }, { verify = "s" }]\n', 2,
     "[service.s] unit", "there is no"),
    ('[recover.r]\nwhen = [\n  { pressure_some_above = 5 },\n]\nsteps = [{ wait = "1s" }]\n', 3,
     "[recover.r] when #1 pressure_some_above", "this kernel reports no memory pressure"),
    (('[service.s]\nunit = "no-such-thing.service"\n[recover.r]\nwhen = [\n  { service = "s", failed = true },\n'
      '  { service = "s", service_memory_above = "1GiB" },\n]\nsteps = [{ restart = ["s"] }, { verify = "s" }]\n'), 6,
     "[recover.r] when #2 service_memory_above",
     "holds is not known here: this host keeps no account of memory by control group, so the clause never holds"),
    ('[emergency]\npressure_for = "1min"\n', 2, "[emergency] pressure_for", "this kernel reports no memory pressure"),
    ('[emergency]\nmemory_available_below = "0%"\n', 2, "[emergency] memory_available_below", "never acts"),
    ('[emergency]\nmemory_available_below = "60%"\n', 2, "[emergency] memory_available_below", "a healthy host"),
    ('[emergency]\npressure_full_above = 5\n', 2, "[emergency] pressure_full_above", "write 30% or more"),
    ('[emergency]\npressure_for = "2s"\n', 2, "[emergency] pressure_for", "write 10s or more"),
    ('[process.p]\nname = "scanner"\n[limit.l]\nprocess = "p"\nrss = "1MiB"\n', 3, "[limit.l]",
     "would act now: TERM scanner[71], because scanner[71] holds 4 MiB, limit 1 MiB"),
    (('[process.p]\nname = "scanner"\n[recover.r]\nwhen = [{ swap_free_below = "99%", for = "1h" }]\nsteps = '
      '[{ wait = "1s" }]\n[limit.l]\nprocess = "p"\nruntime = "9d"\n'), 4, "[recover.r] when #1",
     "would run now: swap free is 90%"),
    ('[process.p]\nname = "scanner"\n[limit.l]\nprocess = "p"\nruntime = "9d"\nexceeds = "all"\n', 6,
     "[limit.l] exceeds", "there is only one limit, so it changes nothing"),
    ('[process.p]\nname = "scanner"\n[limit.l]\nprocess = "p"\nruntime = "9d"\nfirst = "largest"\n', 6,
     "[limit.l] first", "for total_rss and count, and neither is given"),
    ('[process.p]\nname = "scanner"\n[limit.l]\nprocess = "p"\ncount = 9\nfirst = "largest"\nthen = "freeze"\n', 6,
     "[limit.l] first", "a queue has its own order"),
    ('[process.p]\nname = "scanner"\nrss_above = "2MiB"\n[limit.l]\nprocess = "p"\nrss = "1MiB"\nfor = "1s"\n', 6,
     "[limit.l] rss", "holds more already"),
    ('[process.p]\nname = "scanner"\nage_above = "1s"\n[protect.x]\nprocess = "p"\n', 5, "[protect.x] process",
     "nothing protects the process"),
    ('[process.p]\nname = "scanner"\nrss_above = "1TiB"' + LIMIT, 1, "[process.p]",
     "matches nothing now: p leaves out 1 process no larger than 1 TiB: scanner[71] holds 4 MiB"),
    ('[process.p]\nname = "scanner"\nexcept = "q"\n[process.q]\nname = "scan*"' + LIMIT, 1, "[process.p]",
     "that it excepts: scanner[71] (q)"),
    (CLEAN + '[spool.b]\npath = "/nowhere"\nentries = "b"\nstale_after = "1h"\n[clean.two]\nspool = "b"\n', 12,
     "[clean.two] spool", "clean.one cleans the same directory already"),
    (CLEAN + 'every = "5s"\n', 7, "[clean.one] every", "write 1min or more"),
    ('[process.p]\nname = "init"' + LIMIT, 4, "[limit.l] process", "out of its reach: init[1]: it is pid 1"),
])
def test_what_is_hardly_meant_is_warned_of_at_its_line(
        run: Run, policy: Write, host: Any, text: str, line: int, where: str, what: str) -> None:
    host.put(71, "scanner")
    host.put(72, "mariadbd", unit="mariadb.service")
    host.put(73, "worker", unit="user-1000.slice/user@1000.service/app.slice/worker.service")
    result = run("check", policy(text), "--json", "--proc", host.root)
    assert result.exit_code == 1, result.output
    found = [warning for warning in _warnings(result) if warning[:2] == (line, where)]
    assert any(what in words for _, _, words in found), _warnings(result)


def test_memory_that_cannot_be_judged_is_a_warning(run: Run, policy: Write, host: Any) -> None:
    (host.root / "meminfo").write_text("MemTotal: 0 kB\nMemAvailable: 0 kB\n")
    result = run("check", policy("[emergency]\n"), "--json", "--proc", host.root)
    assert result.exit_code == 1
    warning, = _warnings(result)
    assert warning[:2] == (1, "[emergency]")
    assert warning[2].startswith("memory cannot be judged: the emergency") and "no memory at all" in warning[2]


def test_an_ordinary_emergency_is_no_reason_to_warn(run: Run, policy: Write, host: Any) -> None:
    path = policy('[emergency]\nmemory_available_below = "10%"\nswap_free_below = "100%"\n')
    assert run("check", path, "--no-host").exit_code == 0


def test_a_name_that_is_too_long_is_said_once_with_and_without_the_host(run: Run, policy: Write, host: Any) -> None:
    path = policy('[process.p]\nname = "sixteen-byte-nam"' + LIMIT)
    for more in (["--no-host"], ["--proc", host.root]):
        result = run("check", path, *more)
        assert result.exit_code == 1
        assert result.stdout.count("the kernel keeps 15 bytes of a name") == 1


def test_sshd_is_out_of_reach_unless_a_policy_names_it(run: Run, policy: Write, host: Any) -> None:
    host.put(71, "sshd", exe="/usr/sbin/sshd")
    by_name, by_user = (run("check", policy(f'[process.p]\n{key}{LIMIT}'), "--json", "--proc", host.root)
                        for key in ('name = "sshd"', 'user = "root"'))
    assert by_name.exit_code == 0
    assert _warnings(by_user) == [
        (4, "[limit.l] process", "out of its reach: init[1]: it is pid 1, sshd[71]: it is sshd")]


def test_one_of_several_names_is_enough(run: Run, policy: Write, host: Any) -> None:
    host.put(71, "scanner", exe=sys.executable)
    path = policy(f'[process.p]\nexe = ["/never/x", "{sys.executable}"]\nuser = ["root", "nobody-here"]' + LIMIT)
    assert run("check", path, "--proc", host.root).exit_code == 0


def test_a_warning_names_the_file_that_has_the_last_word(run: Run, policy: Write, host: Any) -> None:
    first = policy(FINE, "10-a.toml")
    policy("# replaced\n\n" + FINE.replace("scan*", "scun*"), "20-b.toml")
    (warning,) = json.loads(run("check", first.parent, "--json", "--proc", host.root).stdout)["warnings"]
    assert (warning["file"], warning["line"]) == (str(first.parent / "20-b.toml"), 5)


def test_spools_are_counted_and_refused_as_the_daemon_would(run: Run, policy: Write, host: Any, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    for name in ("a-1", "a-2", "other"):
        (spool / name).write_text("x")
    os.utime(spool / "a-1", (1, 1))
    (tmp_path / "link").symlink_to(spool)
    text = "".join(f'[spool.{name}]\npath = "{tmp_path / name}"\nentries = "a-*"\nstale_after = "1h"\n'
                   for name in ("spool", "link"))
    path = policy(text + RECOVER + '[{ purge = ["spool", "link"] }]\n')
    result = run("check", path, "--json", "--proc", host.root)
    spools = json.loads(result.stdout)["host"]["spools"]
    assert spools["spool"]["entries"] == 2
    assert "is a symbolic link" in spools["link"]["problem"]
    assert (6, "[spool.link] path", f"{tmp_path}/link is a symbolic link; name the directory it points to") in (
        _warnings(result))
    cleaned = policy(text + '[clean.c]\nspool = "spool"\nhours = "22:00-06:00"\nmode = "observe"\n')
    shown = run("check", cleaned, "--proc", host.root).stdout
    assert "cleaned every 1h, begun within 22:00-06:00  [clean.c]  (only observes)" in shown
    assert ", 1 clean" in shown
    assert json.loads(run("check", cleaned, "--json", "--proc", host.root).stdout)["rules"]["clean"] == ["c"]
    assert f"{spool}: 2 entries" in run("check", path, "--proc", host.root).stdout


@pytest.mark.skipif(os.path.isdir("/run/systemd/system"), reason="init scripts do not count where systemd runs")
def test_a_service_is_asked_for_its_state_and_a_wrong_name_gets_the_nearest(
        run: Run, policy: Write, host: Any, tmp_path: Path) -> None:
    scripts = tmp_path / "init.d"
    scripts.mkdir()
    (scripts / "mariadb").write_text("#!/bin/sh\nexit 3\n")
    (scripts / "old").write_text('#!/bin/sh\necho "Usage: old {start|stop}"\nexit 1\n')
    for script in scripts.iterdir():
        script.chmod(0o755)
    config = tmp_path / "config.toml"
    config.write_text(f'[services]\ninit_dir = "{scripts}"\n')
    config.chmod(0o644)
    text = ('[service.db]\nunit = "mariadb.service"\n[service.wrong]\nunit = "mysql.service"\n'
            '[service.old]\nunit = "old"\n'
            + RECOVER + '[{ restart = ["db", "wrong", "old"] }, { verify = ["db", "wrong"] }]\n')
    result = run("check", policy(text), "--json", "--proc", host.root, "--config", config)
    services = json.loads(result.stdout)["host"]["services"]
    assert (services["db"]["status"], services["wrong"]["status"]) == ("inactive", "missing")
    wrong, old = _warnings(result)
    assert wrong == (4, "[service.wrong] unit", 'there is no init script mysql.service here — is it "mariadb"?')
    assert old[:2] == (6, "[service.old] unit")
    assert old[2].startswith("its state cannot be known: its script does not support status. So ")
    assert old[2].endswith("give it a probe, or no verify can succeed")


@pytest.mark.parametrize("colour", ["", "1"])
def test_nothing_a_process_or_a_policy_says_reaches_the_terminal_as_more_than_text(
        run: Run, policy: Write, host: Any, colour: str) -> None:
    host.put(71, "a) Z 1 (\x1b[2J", unit="x\x1b]0;y\x07.service", rss_mib=9)
    host.put(72, "scan\udce9[red]", rss_mib=9)
    text = FINE.replace('"Scanners"', '"S\\u001b[2J\\u202e"').replace('"scan*"', '["a*", "scan*"]')
    result = run("check", policy(text.replace("400MiB", "1MiB")), "--proc", host.root, FORCE_COLOR=colour)
    assert result.exit_code == 1
    assert "a) Z 1 (\\x1b[2J" in result.stdout
    assert "scan\\udce9[red]" in result.stdout
    assert "\x1b[2J" not in result.stdout
    assert not set("\x07\u202e\udce9") & set(result.stdout)
    assert ("\x1b[" in result.stdout) == bool(colour)


def test_the_json_has_the_keys_that_are_documented(
        run: Run, policy: Write, host: Any, documented: Callable[..., list[str]]) -> None:
    valid = json.loads(run("check", policy(FINE), "--json", "--proc", host.root).stdout)
    assert list(valid) == documented("`check --json`")
    invalid = json.loads(run("check", policy("[x]\n"), "--json", "--proc", host.root).stdout)
    assert list(invalid) == documented("`check --json`", 1)


def test_a_recorder_that_is_off_is_noted(run: Run, policy: Write, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    for text, noted in (("", False), ("[recorder]\nenabled = false\n", True)):
        config.write_text(text)
        config.chmod(0o644)
        result = run("check", policy(FINE), "--no-host", "--config", config)
        assert ("the flight recorder is off" in result.stdout) == noted


def test_a_broken_configuration_is_a_fault_too(run: Run, policy: Write, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[budget]\nkills = 3\n")
    config.chmod(0o644)
    result = run("check", policy(FINE), "--no-host", "--config", config)
    assert result.exit_code == 2
    assert f'{config}:2: [budget]: unknown key "kills"' in result.stderr


def test_a_real_process_is_found_on_the_real_host(policy: Write, tmp_path: Path) -> None:
    program = tmp_path / "scan-me"
    program.write_bytes(Path(sys.executable).resolve().read_bytes())
    program.chmod(0o755)
    child = subprocess.Popen([program, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE,
                             env={"PYTHONHOME": sys.base_prefix})
    try:
        path = policy(f'[process.p]\nexe = "{program}"\n[limit.l]\nprocess = "p"\nruntime = "9d"\n')
        result = subprocess.run([sys.executable, "-c", "from watchdog_oom.cli import main; main()", "check", path,
                                 "--json"], capture_output=True, text=True, check=False, timeout=20)
        found = json.loads(result.stdout)["host"]["processes"]["p"]
        assert [(one["pid"], one["exe"]) for one in found] == [(child.pid, str(program))]
        assert result.returncode == 0
    finally:
        child.kill()
        child.communicate()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_an_ordinary_user_may_check_any_file_and_is_told_what_was_not_judged(
        run: Run, policy: Write, host: Any, as_nobody: Callable[..., tuple[int, str]]) -> None:
    path = policy(FINE)
    path.chmod(0o666)
    host.put(71, "scanner")
    assert "is writable by its group and others" in run("check", path, "--proc", host.root).stderr
    code, out = as_nobody(lambda: run("check", path, "--proc", host.root))
    assert code == 0, out
    assert "the owners and modes of the policy files were not checked" in out
    assert "not root (CAP_SYS_PTRACE" in out
    path.chmod(0o600)
    code, out = as_nobody(lambda: run("check", path, "--proc", host.root))
    assert (code, out) == (3, f"watchdog-oom: {path}: may not be read by this user; run this as root\n")


APP = """
[service.app]
unit = "app.service"
[recover.app]
when  = [{ service = "app", service_memory_above = "3GiB", for = "10min" }]
steps = [{ restart = ["app"] }, { verify = "app" }]
"""


def test_what_a_service_holds_is_shown_where_a_clause_asks(run: Run, policy: Write, host: Any, app_group: Path) -> None:
    path = policy(APP)
    assert ", holds 2.4 GiB" in run("check", path, "--proc", host.root).stdout
    plain = json.loads(run("check", path, "--proc", host.root, "--json").stdout)
    assert plain["host"]["services"]["app"]["memory"] == {
        "held_bytes": 2500 << 20, "cache_bytes": 420 << 20, "problem": None}
    assert not any("is not known here" in what for _, _, what in _warnings(run(
        "check", path, "--proc", host.root, "--json")))


def test_a_hook_that_cannot_be_run_is_a_warning_at_its_line(run: Run, policy: Write, tmp_path: Path) -> None:
    config = tmp_path / "watchdog-oom.toml"
    config.write_text(f'[hooks]\nbefore_kill = ["{tmp_path}/gone"]\nhold_begins = ["{tmp_path}"]\n')
    result = run("check", policy(FINE), "--no-host", "--config", config, "--json")
    assert result.exit_code == 1
    assert _warnings(result) == [
        (2, "[hooks] before_kill", f"is not run: {tmp_path}/gone: cannot be run: No such file or directory"),
        (3, "[hooks] hold_begins", f"is not run: {tmp_path}: cannot be run: it is a directory")]

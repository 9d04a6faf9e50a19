"""``watchdog-oom plan``: what would be done, why, and why not; and nothing is done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from watchdog_oom.core.cleaning import Cleaning
from watchdog_oom.core.history import History, Recovery, RecoveryRun
from watchdog_oom.daemon import state_file

Run = Callable[..., Result]
Write = Callable[..., Path]
Plan = Callable[..., Result]

SCANNER = '[process.scanner]\nname = "scan*"\n'
RECOVER = """
[service.mail]
unit = "no-such-thing.service"
[recover.mail]
when  = [{ process = "scanner", count_above = 1, for = "15s" }, { memory_available_below = "2%" }]
steps = [{ stop = ["mail"] }, { kill = "scanner" }, { start = "stopped" }, { verify = "mail" }]
"""


@pytest.fixture
def plan(run: Run, policy: Write, host: Any, tmp_path: Path) -> Plan:
    """Plan that policy text on the made-up host, with directories of this test's own."""
    def planned(text: str, *more: str) -> Result:
        return run("plan", policy(text), "--proc", host.root, "--state", tmp_path / "state",
                   "--runtime", tmp_path / "runtime", *more)
    return planned


def _json(result: Result) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(result.stdout)
    return plain


def test_with_nothing_to_do_it_ends_with_0_and_tells_the_near_misses(plan: Plan, host: Any) -> None:
    host.put(71, "scanner", rss_mib=300)
    host.put(72, "scanner", rss_mib=30)
    result = plan(SCANNER + '[limit.big]\nprocess = "scanner"\nrss = "400MiB"\ncount = 4\n')
    assert result.exit_code == 0, result.output
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert "Nothing would be done now" in lines
    assert lines.index("scanner[71]: holds 300 MiB, limit 400 MiB (75%)") < lines.index(
        "scanner[72]: holds 30 MiB, limit 400 MiB (7.5%)")
    assert "2 processes, limit 4 (50%)" in lines
    assert "no  memory available is 80% (819 MiB; threshold 8%)" in lines


def test_what_would_be_done_is_told_with_rule_evidence_and_the_time_it_must_hold(plan: Plan, host: Any) -> None:
    host.put(71, "scanner", rss_mib=300)
    result = plan(SCANNER + '[limit.big]\nprocess = "scanner"\nrss = "100MiB"\nfor = "15s"\n')
    assert result.exit_code == 1
    assert "TERM scanner[71]  [limit.big], once this has held for 15s" in result.stdout
    assert "because scanner[71] holds 300 MiB, limit 100 MiB" in result.stdout


def test_what_is_shared_counts_once_in_a_plan_as_it_does_for_the_daemon(plan: Plan, host: Any) -> None:
    for pid in (71, 72):
        host.put(pid, "scanner", rss_mib=300)
        (host.root / str(pid) / "smaps_rollup").write_text("0-1 ---p [rollup]\nPss: 163840 kB\n")
    within = plan(SCANNER + '[limit.pool]\nprocess = "scanner"\ntotal_rss = "400MiB"\n')
    assert within.exit_code == 0, within.output
    assert "together 320 MiB, shared pages counted once, limit 400 MiB (80%)" in within.stdout
    above = plan(SCANNER + '[limit.pool]\nprocess = "scanner"\ntotal_rss = "310MiB"\n')
    assert above.exit_code == 1
    assert "2 processes of scanner hold 320 MiB together, shared pages counted once, limit 310 MiB" in above.stdout


def test_a_recovery_that_would_run_tells_all_its_steps(plan: Plan, host: Any) -> None:
    host.put(71, "scanner")
    host.put(72, "scanner")
    result = plan(SCANNER + RECOVER)
    assert result.exit_code == 1
    lines = [line.strip() for line in result.stdout.splitlines()]
    at = lines.index("recover.mail would run")
    assert lines[at + 1] == "because 2 processes match scanner (threshold 1), once this has held for 15s"
    assert lines[at + 2].startswith("1. stop mail  (no-such-thing.service is ")
    assert lines[at + 3:at + 5] == ["2. kill scanner  (scanner[71], scanner[72])", "3. start what was stopped"]
    assert "clause 2: no" in lines


def test_attempts_and_rests_of_the_daemon_are_heeded(plan: Plan, host: Any, tmp_path: Path) -> None:
    host.put(71, "scanner")
    host.put(72, "scanner")
    (tmp_path / "state").mkdir()
    ended = time.clock_gettime(time.CLOCK_BOOTTIME) - 10
    history = replace(History(), recoveries={"mail": Recovery(started=(ended,), ended=ended, unhelped=1)})
    state_file.save(str(tmp_path / "state"), state_file.to_plain("", history, {}))
    result = plan(SCANNER + RECOVER)
    assert result.exit_code == 0
    told = result.stdout.replace("4min49s", "4min50s")
    assert "recover.mail  does not run: it cools down for another 4min50s" in told


@pytest.mark.parametrize(("due", "acts", "words"), [
    (600, 0, "clean.c  every 1h, does not run: it is due in"), (-1, 1, "clean.c  every 1h, would run")])
def test_a_routine_cleaning_tells_what_it_would_clear_and_when_it_is_due(
        plan: Plan, host: Any, tmp_path: Path, due: float, acts: int, words: str) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / "sess_1").write_text("x")
    time.sleep(0.2)
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    (tmp_path / "state").mkdir()
    history = replace(History(), cleans={"c": Cleaning(now + due)})
    state_file.save(str(tmp_path / "state"), state_file.to_plain("", history, {}))
    text = f'[spool.s]\npath = "{spool}"\nentries = "sess_*"\nstale_after = "100ms"\n[clean.c]\nspool = "s"\n'
    result = plan(text)
    assert result.exit_code == acts, result.output
    assert words in result.stdout
    assert f"1 of 1 entries in {spool} are stale" in result.stdout
    (told,) = _json(plan(text, "--json"))["cleans"]
    assert (told["rule"], told["spool"], told["runs"], told["every_seconds"]) == ("clean.c", "s", bool(acts), 3600)
    assert told["due_seconds"] <= max(0, due)
    assert [entry.name for entry in spool.iterdir()] == ["sess_1"]


def test_what_a_run_under_way_has_stopped_is_no_debt_that_calls_for_another(plan: Plan, host: Any,
                                                                            tmp_path: Path) -> None:
    host.put(71, "other")
    (tmp_path / "state").mkdir()
    running = Recovery(run=RecoveryRun("mail-1", ("why",), 1.0, stopped=("mail",)))
    plain = state_file.to_plain("", replace(History(), recoveries={"mail": running}), {})
    state_file.save(str(tmp_path / "state"), plain)
    assert "could not be started again" not in plan(SCANNER + RECOVER).stdout


def test_in_an_emergency_the_chosen_and_those_passed_over_are_told(plan: Plan, host: Any) -> None:
    host.memory(available_percent=3, swap_free_percent=2)
    host.put(70, "db", rss_mib=600)
    host.put(71, "scanner", rss_mib=300)
    host.put(72, "untouchable", rss_mib=310, adj=-1000)
    result = plan(SCANNER + '[process.db]\nname = "db"\n[protect.db]\nprocess = "db"\n', "--json")
    plain = _json(result)
    assert result.exit_code == 1
    assert [step["step"] for step in plain["steps"]] == ["KILL scanner[71]"]
    assert plain["steps"][0]["target"]["rss"] == 300 << 20
    told = {one["name"]: one["passed_over"] for one in plain["emergency"]["candidates"]}
    assert told["db"] == "it is protected by protect.db"
    assert told["scanner"] is None
    assert told["untouchable"] == "its oom_score_adj is -1000"


def test_protections_tell_what_the_kernel_would_be_told(plan: Plan, host: Any) -> None:
    host.put(71, "scanner", adj=0)
    host.put(72, "scanner", adj=-500)
    result = plan(SCANNER + '[protect.them]\nprocess = "scanner"\noom_score_adj = -500\n')
    assert "scanner[71]  [protect.them]: oom_score_adj 0, would be -500" in result.stdout
    assert "scanner[72]  [protect.them]: oom_score_adj -500\n" in result.stdout
    assert result.exit_code == 1


def test_a_rule_that_only_reports_does_nothing(plan: Plan, host: Any) -> None:
    host.put(71, "scanner", rss_mib=300)
    result = plan(SCANNER + '[limit.big]\nprocess = "scanner"\nrss = "100MiB"\nthen = "report"\n', "--json")
    assert result.exit_code == 0
    assert [one["rule"] for one in _json(result)["reports"]] == ["limit.big"]


def test_without_memory_the_page_says_so_and_nothing_is_done(plan: Plan, host: Any) -> None:
    (host.root / "meminfo").write_text("MemTotal: 5 kB\n")
    result = plan(SCANNER + RECOVER)
    assert result.exit_code == 0
    assert "memory cannot be judged: the emergency and every condition" in result.stdout
    assert "memory: meminfo has no" in result.stdout
    assert "clause 2: ?" in result.stdout


def test_pressure_with_free_swap_is_told_with_how_long_it_must_hold(plan: Plan, host: Any) -> None:
    host.memory(available_percent=1, swap_free_percent=50)
    host.put(71, "leaker", rss_mib=700, swap_mib=400)
    (host.root / "pressure").mkdir()
    (host.root / "pressure/memory").write_text("some avg10=97.00 avg60=9 avg300=9 total=1\n"
                                               "full avg10=85.00 avg60=9 avg300=9 total=1\n")
    result = plan(SCANNER)
    assert result.exit_code == 1
    assert "TERM leaker[71]  [emergency], once this has held for 20s" in result.stdout
    assert "because memory pressure (full) is 85% over 10 s (threshold 70%)" in result.stdout
    assert "leaker[71], 700 MiB and 400 MiB in swap, badness 700: would be ended" in result.stdout
    told = _json(plan(SCANNER, "--json"))
    assert told["steps"][0]["for_seconds"] == 20.0
    assert told["emergency"]["pressure"]["for_seconds"] == 20.0
    assert [one["holds"] for one in told["emergency"]["pressure"]["conditions"]] == [True, True]
    assert [one["holds"] for one in told["emergency"]["conditions"]] == [True, False]


def test_what_contradicts_itself_is_taken_as_far_as_it_makes_sense_and_told(plan: Plan, host: Any) -> None:
    meminfo = (host.root / "meminfo").read_text()
    (host.root / "meminfo").write_text(meminfo.replace("SwapTotal: 1048576", "SwapTotal: 500"))
    result = plan(SCANNER)
    assert "swap: 500 KiB of 500 KiB free (100%)" in result.stdout
    assert "meminfo: more swap free than there is" in result.stdout


def test_a_hostile_name_stays_text(plan: Plan, host: Any) -> None:
    host.put(71, "scan) Z 1 (\x1b[2J", rss_mib=300)
    text = SCANNER + RECOVER + '[limit.big]\nprocess = "scanner"\nrss = "100MiB"\n'
    result = plan(text)
    assert result.exit_code == 1
    assert "TERM scan) Z 1 (\\x1b[2J[71]" in result.stdout
    assert "\x1b" not in result.stdout
    assert json.loads(plan(text, "--json").stdout)["steps"][0]["target"]["name"] == "scan) Z 1 (\x1b[2J"


def test_the_json_has_the_keys_that_are_documented(plan: Plan, documented: Callable[..., list[str]]) -> None:
    assert list(_json(plan(SCANNER + RECOVER, "--json"))) == documented("`plan --json`")


def test_an_invalid_policy_is_told_as_check_tells_it(plan: Plan) -> None:
    result = plan("[limit.x]\n")
    assert result.exit_code == 2
    assert '[limit.x]: "process" is missing' in result.stderr


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real process that a policy of this test's own would kill at once."""
    program = tmp_path / "victim"
    program.write_bytes(Path(sys.executable).resolve().read_bytes())
    program.chmod(0o755)
    child = subprocess.Popen([program, "-c", "import sys; print('up', flush=True); sys.stdin.read()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PYTHONHOME": sys.base_prefix})
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    yield child
    child.kill()
    child.communicate()


def test_on_the_real_host_nothing_is_done_and_nothing_is_written(
        victim: subprocess.Popen[bytes], policy: Write, tmp_path: Path) -> None:
    path = policy(f'[process.v]\nexe = "{tmp_path}/victim"\n[limit.v]\nprocess = "v"\nrss = "1MiB"\ngrace = "0s"\n'
                  '[protect.n]\nprocess = "none"\n[process.none]\nname = "none"\n')
    before = sorted(str(one) for one in tmp_path.rglob("*"))
    adj = Path(f"/proc/{victim.pid}/oom_score_adj").read_text()
    result = subprocess.run([sys.executable, "-c", "from watchdog_oom.cli import main; main()", "plan", str(path),
                             "--state", str(tmp_path / "s"), "--runtime", str(tmp_path / "r")],
                            capture_output=True, text=True, check=False, timeout=20)
    assert result.returncode == 1, result.stderr
    assert f"KILL victim[{victim.pid}]  [limit.v]" in result.stdout
    assert victim.poll() is None
    assert Path(f"/proc/{victim.pid}/oom_score_adj").read_text() == adj
    assert sorted(str(one) for one in tmp_path.rglob("*")) == before


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_an_ordinary_user_is_told_what_could_not_be_read(
        run: Run, policy: Write, host: Any, tmp_path: Path, as_nobody: Callable[..., tuple[int, str]]) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    path = policy(SCANNER + RECOVER)
    code, told = as_nobody(lambda: run("plan", path, "--proc", host.root, "--state", tmp_path / "state"))
    assert code == 0, told
    assert "may not be read by this user: attempts and cooldowns are not known" in told
    assert "not root (CAP_SYS_PTRACE" in told
    assert "Nothing would be done now" in told


def test_a_unit_that_cannot_be_contained_is_told_with_the_reason(plan: Plan, host: Any) -> None:
    host.put(71, "scanner", rss_mib=300, unit="scan.service")
    host.put(72, "scanner", rss_mib=300)
    result = plan(SCANNER + '[limit.big]\nprocess = "scanner"\nrss = "100MiB"\nthen = "contain"\n')
    assert "scan.service cannot be contained: " in result.output
    assert "scanner[72] cannot be contained: it is not in a systemd unit" in result.output


def test_a_limit_that_asks_for_all_and_whom_a_noun_leaves_out_are_told_on_the_page_and_in_json(
        plan: Plan, host: Any) -> None:
    host.put(71, "scanner", rss_mib=300)
    host.put(72, "scanner", rss_mib=30)
    text = SCANNER + ('rss_above = "100MiB"\n[limit.big]\nprocess = "scanner"\nrss = "200MiB"\ncount = 4\n'
                      'exceeds = "all"\nfirst = "largest"\n')
    result = plan(text)
    assert result.exit_code == 0, result.output
    assert "a process beyond all limits of its own while the group is beyond all of its" in result.stdout
    told = "scanner leaves out 1 process no larger than 100 MiB: scanner[72] holds 30 MiB"
    assert told in result.stdout
    plain = _json(plan(text, "--json"))
    assert (plain["limits"][0]["exceeds"], plain["limits"][0]["first"]) == ("all", "largest")
    assert told in plain["notes"]


def test_a_plan_tells_how_much_a_service_holds_and_of_how_much_it_may(plan: Plan, host: Any, app_group: Path) -> None:
    text = ('[service.app]\nunit = "app.service"\n[recover.app]\nsteps = [{ restart = ["app"] }, { verify = "app" }]\n'
            'when = [{ service = "app", service_memory_above = "%s", for = "10min" }]\n')
    below = plan(text % "3GiB")
    assert below.exit_code == 0
    assert "app.service holds 2.4 GiB (threshold 3 GiB; 420 MiB of file cache not counted)" in below.stdout
    condition, = _json(plan(text % "2GiB", "--json"))["recoveries"][0]["clauses"][0]["conditions"]
    assert condition == {
        "holds": True, "words": "app.service holds 2.4 GiB (threshold 2 GiB; 420 MiB of file cache not counted)"}
    assert plan(text % "2GiB").exit_code == 1


def test_a_plan_says_why_it_does_not_know_what_a_service_holds(plan: Plan, host: Any) -> None:
    result = plan('[service.app]\nunit = "app.service"\n[recover.app]\nsteps = [{ restart = ["app"] }]\n'
                  'when = [{ service = "app", service_memory_above = "3GiB" }]\n')
    assert "what app.service holds is not known: this host keeps no account of memory by control group" in result.stdout


def test_of_one_process_it_is_told_which_nouns_and_rules_are_about_it_and_why_the_others_are_not(
        plan: Plan, host: Any) -> None:
    host.put(71, "scanner", rss_mib=300)
    policy = SCANNER + '[process.other]\nname = "other"\n[limit.big]\nprocess = "scanner"\nrss = "400MiB"\n'
    result = plan(policy, "--explain", "71")
    assert result.exit_code == 0, result.output
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert "yes scanner" in lines
    assert "no  other: its name is scanner" in lines
    assert "yes limit.big: beyond the limit: kill (as scanner)" in lines
    plain = _json(plan(policy, "--explain", "71", "--json"))
    assert plain["nouns"] == [{"noun": "scanner", "matches": True, "why_not": None},
                              {"noun": "other", "matches": False, "why_not": "its name is scanner"}]
    assert plain["rules"] == [{"rule": "limit.big", "noun": "scanner", "about": "beyond the limit: kill"}]
    missing = plan(policy, "--explain", "99")
    assert (missing.exit_code, "there is no process 99" in missing.output) == (2, True)

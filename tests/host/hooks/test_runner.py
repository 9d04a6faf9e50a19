"""Real programs as hooks: what they get, what they do not get, and what becomes of those that misbehave."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog_oom.core.actions import Intent
from watchdog_oom.core.hook_action import HookEvent, RunHook
from watchdog_oom.core.model import Snapshot
from watchdog_oom.core.outcome import Outcome
from watchdog_oom.host.clock import read_clock
from watchdog_oom.host.hooks.runner import HookRunner

RESULT = "it holds too much"


@pytest.fixture
def runner() -> Iterator[HookRunner]:
    made = HookRunner(lambda program: "it is called refused" if program.endswith("refused") else "")
    yield made
    made.close()


def script(home: Path, text: str, name: str = "hook", first: str = "#!/bin/sh") -> str:
    path = home / name
    path.write_text(f"{first}\n{text}\n")
    path.chmod(0o755)
    return str(path)


def hook(program: str, *arguments: str, within: float = 5.0) -> RunHook:
    return RunHook(HookEvent.BEFORE_KILL, (program, *arguments), within, result=RESULT)


def start(runner: HookRunner, action: RunHook) -> Outcome | None:
    seen = Snapshot(read_clock())
    return runner.start(Intent("i-1", action, "limit.x", ("because",)), action, seen, lambda process: process)


def outcome(runner: HookRunner, action: RunHook, *, seconds: float = 5.0) -> Outcome:
    """Run it to its end, or to its deadline; at once what cannot be begun."""
    began = read_clock().boottime
    told = start(runner, action)
    while told is None:
        assert read_clock().boottime - began < seconds
        for report in runner.poll(read_clock().boottime):
            assert report.intent_id == "i-1"
            told = report.outcome
        time.sleep(0.01)
    return told


def test_it_reads_the_story_to_its_end_and_its_words_are_told(runner: HookRunner, tmp_path: Path) -> None:
    told = outcome(runner, hook(script(tmp_path, f'cat > "{tmp_path}/seen"; echo it is done')))
    assert told == Outcome(True, "done: it is done")
    seen = json.loads((tmp_path / "seen").read_bytes())
    assert (seen["event"], seen["rule"], seen["evidence"], seen["result"]) == (
        "before_kill", "limit.x", ["because"], RESULT)


def test_it_has_a_fixed_environment_its_own_session_and_no_descriptor_of_ours(
        runner: HookRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD_OF_OURS", "x")
    ours = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(ours, True)
    text = ("import json, os, sys\n"
            "print(json.dumps({'env': dict(os.environ), 'fds': sorted(os.listdir('/proc/self/fd')), 'cwd': os.getcwd(),"
            " 'leads': os.getsid(0) == os.getpid(), 'adj': open('/proc/self/oom_score_adj').read().strip(),"
            " 'locked': [l.split()[1] for l in open('/proc/self/status') if l.startswith('VmLck')]}))")
    try:
        told = outcome(runner, hook(script(tmp_path, text, first=f"#!{os.path.realpath('/usr/bin/python3')} -IS")))
    finally:
        os.close(ours)
    seen = json.loads(told.words.partition(": ")[2])
    assert {key for key in seen["env"] if key != "LC_CTYPE"} == {"PATH", "LANG", "LC_ALL"}
    assert seen["env"]["PATH"].endswith("/bin")
    assert seen["fds"] == ["0", "1", "2", "3"], "3 is its own look at the directory"
    assert (seen["leads"], seen["cwd"], seen["adj"], seen["locked"]) == (True, "/", "0", ["0"])


def test_arguments_go_to_the_program_as_they_are_and_to_no_shell(runner: HookRunner, tmp_path: Path) -> None:
    program = script(tmp_path, 'printf "%s|" "$@"')
    told = outcome(runner, hook(program, "$(id)", "a b", "; true"))
    assert told.words == "done: $(id)|a b|; true|"


def test_one_that_fails_tells_how_and_its_words(runner: HookRunner, tmp_path: Path) -> None:
    told = outcome(runner, hook(script(tmp_path, "echo no gcore here >&2; exit 3")))
    assert told == Outcome(False, "ended with status 3: no gcore here")


def test_one_that_closes_its_input_at_once_is_no_failure(runner: HookRunner, tmp_path: Path) -> None:
    assert outcome(runner, hook(script(tmp_path, "exec 0<&-; exit 0"))).ok is True


def test_one_that_hangs_is_killed_at_its_deadline_with_all_it_started(runner: HookRunner, tmp_path: Path) -> None:
    program = script(tmp_path, f'sleep 300 & echo $! > "{tmp_path}/child"; sleep 300')
    told = outcome(runner, hook(program, within=0.5))
    assert (told.ok, told.words) == (False, "did not end within 0.5s and was killed")
    child = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}/stat")
    deadline = time.monotonic() + 3
    while child.exists() and child.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_that_floods_its_output_takes_no_memory_and_ends_at_its_deadline(
        runner: HookRunner, tmp_path: Path) -> None:
    told = outcome(runner, hook(script(tmp_path, "exec yes a-flood-of-words"), within=0.5))
    assert told.ok is False
    assert "a-flood-of-words" in told.words
    assert len(told.words) < 10_000


@pytest.mark.parametrize(("name", "words"), [
    ("no-such-program", "No such file or directory"), ("directory", "Permission denied")])
def test_what_cannot_be_executed_is_told(runner: HookRunner, tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "directory").mkdir()
    told = outcome(runner, hook(str(tmp_path / name)))
    assert told.ok is False
    assert words in told.words


def test_what_is_refused_when_it_is_to_be_run_is_not_run(runner: HookRunner, tmp_path: Path) -> None:
    told = outcome(runner, hook(script(tmp_path, f'touch "{tmp_path}/ran"', name="refused")))
    assert told == Outcome(False, "ended with status 127: not run: it is called refused")
    assert not (tmp_path / "ran").exists()


def test_the_end_of_the_daemon_ends_a_hook(tmp_path: Path) -> None:
    runner = HookRunner(lambda program: "")
    program = script(tmp_path, f'echo $$ > "{tmp_path}/pid.part"; mv "{tmp_path}/pid.part" "{tmp_path}/pid"; sleep 300')
    assert start(runner, hook(program)) is None
    deadline = time.monotonic() + 5
    while not (tmp_path / "pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    runner.close()
    stat = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    while stat.exists() and stat.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)

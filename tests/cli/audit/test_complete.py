"""The shell's completion of rules and incidents, asked for as the shells do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from watchdog_oom.journal import Journal, Kind, Record


@pytest.fixture
def log(tmp_path: Path) -> str:
    journal = Journal(str(tmp_path / "log"), boot_id="b" * 36, segment_bytes=1500)
    journal.open()
    for number in range(9):
        journal.append(Record(Kind.INCIDENT, f"amavis-{number}", "recover.amavis", result="opened"))
    journal.append(Record(Kind.REFUSED, None, "limit.clamscan", result='"incident":null,"rule":"limit.forged"'))
    journal.append(Record(Kind.LATE))
    journal.close()
    return str(tmp_path / "log")


def completed(*words: str, shell: str = "bash") -> list[str]:
    environment = {"_WATCHDOG_OOM_COMPLETE": f"{shell}_complete", "COMP_WORDS": " ".join(("watchdog-oom", *words)),
                   "COMP_CWORD": str(len(words)) if shell != "fish" else words[-1], "PATH": os.environ["PATH"]}
    code = "import sys; sys.argv = ['watchdog-oom']; from watchdog_oom.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=30,
                          check=False)
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


def test_rules_are_those_of_the_journal_and_no_text_in_it_can_forge_one(log: str) -> None:
    assert completed("audit", "--log", log, "--rule", "l") == ["plain,limit.clamscan"]
    assert completed("audit", "--log", log, "--rule", "amav") == ["plain,amavis"]
    assert completed("audit", "--log", log, "--rule", "zzz") == []


def test_incidents_are_offered_the_newest_first(log: str) -> None:
    offered = completed("audit", "--log", log, "--incident", "ama")
    assert offered == [f"plain,amavis-{number}" for number in range(8, -1, -1)]


def test_options_kinds_and_commands_are_completed_too(log: str) -> None:
    assert "plain,outcome" in completed("audit", "--kind", "o")
    assert "plain,--follow" in completed("audit", "--f")
    assert "plain,audit" in completed("au")


def test_the_rules_in_force_are_known_before_the_journal_names_them(tmp_path: Path) -> None:
    from click import Context, Option

    from watchdog_oom.cli.audit.command import audit
    from watchdog_oom.cli.audit.complete import rules
    (tmp_path / "status.json").write_text(json.dumps({"rules": {"limit": ["x"], "recover": ["y"], "emergency": "act"}}))
    context = Context(audit)
    context.params = {"directory": str(tmp_path / "none"), "runtime": str(tmp_path)}
    assert [item.value for item in rules(context, Option(["--rule"]), "")] == ["limit.x", "recover.y"]
    for broken in ("", "[]", '{"rules": 7}', "{", '{"rules": null}'):
        (tmp_path / "status.json").write_text(broken)
        assert rules(context, Option(["--rule"]), "") == []

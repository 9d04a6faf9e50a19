"""A person who lists an incident, or a part of one, sees its evidence once, wherever the journal has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from watchdog_oom.cli.audit.command import audit
from watchdog_oom.journal import Journal, Kind, Moment, Record

NOON = 1_772_366_400.0  # 2026-03-01T12:00:00Z
WHY = ("swap free is 3%", "a\x1b[2J")
TITLE = "incident amavis-1  [recover.amavis]  because swap free is 3%; a\\x1b[2J"


@pytest.fixture
def log(tmp_path: Path) -> str:
    """Two incidents, a record an hour."""
    hours = iter(range(100))
    journal = Journal(str(tmp_path / "log"), boot_id="b", clocks=lambda: Moment(NOON + 3600 * next(hours), 9.0))
    journal.open()
    journal.append(Record(Kind.INCIDENT, "amavis-1", "recover.amavis", because=WHY, result="opened"))
    for kind in (Kind.INTENT, Kind.OUTCOME):
        journal.append(Record(kind, "amavis-1", "recover.amavis", "stop amavis.service", because=WHY, id="i1"))
    journal.append(Record(Kind.INTENT, "amavis-1", "recover.amavis", "TERM x[7]", because=("it stayed", *WHY), id="i2"))
    journal.append(Record(Kind.INCIDENT, "amavis-10", "recover.amavis", because=("other",), result="opened"))
    journal.close()
    return str(tmp_path / "log")


def listed(log: str, *arguments: str) -> list[str]:
    return CliRunner().invoke(audit, ["--log", log, "--long", *arguments], env={"TZ": "UTC"}).stdout.splitlines()


def test_one_incident_begins_with_its_evidence_which_no_other_line_repeats(log: str) -> None:
    lines = listed(log, "--incident", "amavis-1")
    assert lines[0] == TITLE
    assert [line.partition("[recover.amavis]")[2] for line in lines[1:]] == ["", "", "", "  because it stayed"]
    assert lines[1].endswith("incident amavis-1: opened  [recover.amavis]")


def test_in_the_whole_list_the_first_record_has_it_and_the_others_name_the_incident(log: str) -> None:
    assert [line.partition("[recover.amavis]")[2] for line in listed(log)] == [
        "  because swap free is 3%; a\\x1b[2J", "  in incident amavis-1", "  in incident amavis-1",
        "  because it stayed", "  because other"]


def test_of_an_incident_that_began_before_the_list_it_is_looked_up(log: str) -> None:
    lines = listed(log, "--since", "2026-03-01T14:00:00Z")
    assert lines[0] == TITLE
    assert [line.partition("[recover.amavis]")[2] for line in lines[1:]] == [
        "  in incident amavis-1", "  because it stayed", "  because other"]


def test_a_journal_that_repeats_it_on_every_line_is_shown_without_the_repetitions(log: str) -> None:
    path = f"{log}/audit.jsonl"
    with open(path, "rb") as file:
        text = file.read()
    first = text.partition(b'"because":')[2].partition(b"]")[0]
    with open(path, "wb") as file:
        file.write(text.replace(b'"because":[]', b'"because":' + first + b"]"))
    lines = listed(log, "--incident", "amavis-1")
    assert lines[0] == TITLE
    assert [line.partition("[recover.amavis]")[2] for line in lines[1:]] == ["", "", "", "  because it stayed"]


def test_an_incident_whose_evidence_is_rotated_away_is_listed_all_the_same(log: str) -> None:
    path = f"{log}/audit.jsonl"
    with open(path, "rb") as file:
        kept = file.readlines()[1:3]
    os.unlink(path)
    with open(path, "wb") as file:
        file.writelines(kept)
    lines = listed(log, "--incident", "amavis-1")
    assert [line.partition("  ")[2] for line in lines] == [
        f"{kind:<9}  stop amavis.service  [recover.amavis]" for kind in ("intent", "outcome")]

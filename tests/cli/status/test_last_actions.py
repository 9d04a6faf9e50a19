"""The newest acts of a journal, from its end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from watchdog_oom.cli.status.last_actions import TAIL_BYTES, last_actions


def record(seq: int, kind: str = "outcome", **parts: object) -> str:
    return json.dumps({"v": 1, "seq": seq, "time": "2026-11-26T10:00:00.000Z", "kind": kind, **parts})


def journal(directory: Path, *lines: str, name: str = "audit.jsonl") -> Path:
    (directory / name).write_text("".join(f"{line}\n" for line in lines))
    return directory


def numbers(directory: Path, most: int = 20) -> list[int]:
    return [found["seq"] for found in last_actions(str(directory), most)[0]]


def test_acts_are_told_the_newest_first_and_intents_and_starts_are_none(tmp_path: Path) -> None:
    kinds = ("start", "policy", "incident", "intent", "outcome", "refused", "late")
    journal(tmp_path, *(record(seq, kind) for seq, kind in enumerate(kinds)))
    assert numbers(tmp_path) == [5, 4, 2]
    assert numbers(tmp_path, 2) == [5, 4]


def test_of_a_long_journal_only_the_end_is_read_and_its_cut_line_is_no_record(tmp_path: Path) -> None:
    journal(tmp_path, *(record(seq, result="x" * 1000) for seq in range(2 * TAIL_BYTES // 1000)))
    found = numbers(tmp_path, 10_000)
    assert found[0] == 2 * TAIL_BYTES // 1000 - 1
    assert len(found) < 300


def test_a_journal_that_has_just_been_rotated_is_continued_in_the_file_before(tmp_path: Path) -> None:
    journal(tmp_path, record(1), record(2), name="audit-000000000001.jsonl")
    journal(tmp_path, record(3))
    assert numbers(tmp_path) == [3, 2, 1]


def test_damaged_lines_are_skipped_and_no_journal_has_no_acts(tmp_path: Path) -> None:
    assert last_actions(str(tmp_path / "none")) == ((), "")
    journal(tmp_path, record(1), "{", "\x00", "[]", record(2)[:-9])
    assert numbers(tmp_path) == [1]


def test_who_may_not_read_it_is_told_so(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    tmp_path.chmod(0)
    try:
        assert last_actions(str(tmp_path)) == ((), "only root may read the journal")
    finally:
        tmp_path.chmod(0o700)

"""Acts whose outcome a crashed daemon's journal does not hold are found in it, and none that came out."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watchdog_oom.journal import Journal, Kind, Record
from watchdog_oom.journal.unfinished import Unfinished, read_unfinished, unfinished

Writer = Callable[..., Journal]


def _record(kind: Kind, **fields: Any) -> dict[str, Any]:
    return {"kind": kind.value, "boot": "now", "incident": "7", "rule": "recover.amavis", "step": None, "id": None,
            "target": None, "result": None, **fields}


STOP = _record(Kind.INTENT, step="stop amavis.service", id="i1")
PURGE = _record(Kind.INTENT, step="purge vscan", id="i5")
KILL = _record(Kind.INTENT, step="KILL stop x[7]", id="i6")


def _ids(*records: dict[str, Any], boot_id: str | None = None) -> list[str]:
    return [begun.id for begun in unfinished(records, boot_id)]


def test_acts_are_unfinished_until_their_outcome_whatever_it_says_or_the_next_start() -> None:
    assert unfinished([STOP]) == (Unfinished("i1", "stop amavis.service", "recover.amavis", "7"),)
    assert _ids(STOP, PURGE, KILL) == ["i1", "i5", "i6"]
    for ok in (True, False, None):
        assert _ids(STOP, PURGE, KILL, _record(Kind.OUTCOME, id="i5", ok=ok, result="done")) == ["i1", "i6"]
    assert _ids(STOP, PURGE, KILL, _record(Kind.START)) == []


def test_a_journal_of_an_older_release_is_read_all_the_same() -> None:
    assert _ids(STOP, PURGE, _record(Kind.OUTCOME, id="i5", result="ok: cleared")) == ["i1"]


def test_no_words_of_a_record_end_an_act() -> None:
    assert _ids(STOP, _record(Kind.INCIDENT, result="closed: success"),
                _record(Kind.RECOVERED, step="start amavis.service", result="ok")) == ["i1"]


def test_another_boot_has_left_nothing_open() -> None:
    assert _ids({**STOP, "boot": "before"}, boot_id="now") == []
    assert _ids(STOP, boot_id="now") == ["i1"]


def test_records_of_strange_shapes_are_skipped() -> None:
    strange: list[dict[str, Any]] = [{}, {"kind": "intent", "step": 7, "id": [1]}, {"kind": "outcome", "id": {}},
                                     {"kind": "incident", "result": None}, {"kind": "intent", "step": "stop "}]
    assert unfinished(strange) == ()


def test_what_is_open_is_read_back_after_opening_even_from_a_damaged_segment(write: Writer, directory: Path) -> None:
    journal = write()
    journal.append(Record(Kind.START))
    journal.append(Record(Kind.INTENT, incident="7", step="stop amavis.service", id="i1"))
    journal.append(Record(Kind.INTENT, incident="7", step="purge vscan", id="i2"))
    journal.append(Record(Kind.LATE))
    journal.close()
    assert [begun.step for begun in read_unfinished(str(directory), "b00t")] == ["stop amavis.service", "purge vscan"]
    path = directory / "audit.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    journal = write()
    assert [begun.step for begun in read_unfinished(str(directory), "b00t")] == ["stop amavis.service", "purge vscan"]
    journal.append(Record(Kind.OUTCOME, incident="7", step="stop amavis.service", id="i1", ok=True))
    assert [begun.step for begun in read_unfinished(str(directory), "b00t")] == ["purge vscan"]
    journal.append(Record(Kind.START))
    assert read_unfinished(str(directory), "b00t") == ()


def test_a_process_that_calls_itself_like_a_record_changes_nothing(write: Writer, directory: Path) -> None:
    journal = write()
    journal.append(Record(Kind.INTENT, incident="7", step="stop amavis.service", id="i1"))
    name = '"step":"start amavis.service'
    journal.append(Record(Kind.LATE, step='"kind":"start","incident":', target={"name": name}))
    assert [begun.id for begun in read_unfinished(str(directory))] == ["i1"]


def test_no_journal_leaves_nothing_open(directory: Path) -> None:
    assert read_unfinished(str(directory)) == ()


@pytest.mark.slow
def test_a_long_journal_is_searched_within_a_fraction_of_a_second(write: Writer, directory: Path) -> None:
    journal = write(segment_bytes=64 << 20)
    while (directory / "audit.jsonl").stat().st_size < 8 << 20:
        for _ in range(1000):
            journal.append(Record(Kind.OUTCOME, step="KILL clamscan[4711]", target={"pid": 4711, "name": "clamscan"}))
    journal.append(Record(Kind.START))
    journal.append(Record(Kind.INTENT, incident="7", step="stop amavis.service", id="i1"))
    started = time.perf_counter()
    assert [begun.id for begun in read_unfinished(str(directory))] == ["i1"]
    assert time.perf_counter() - started < 0.6

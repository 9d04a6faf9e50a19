"""What a crashed daemon owes is found in its journal, and nothing that was settled."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from watchdog_oom.journal import Journal, Kind, Record
from watchdog_oom.journal.unfinished import Unfinished, read_unfinished, unfinished

Writer = Callable[..., Journal]
AMAVIS = {"service": "amavis", "unit": "amavis.service"}


def _record(kind: Kind, **fields: Any) -> dict[str, Any]:
    return {"kind": kind.value, "boot": "now", "incident": "7", "rule": "recover.amavis", "step": None, "id": None,
            "target": None, "result": None, **fields}


def _stop(identity: str = "i1", unit: str = "amavis.service") -> dict[str, Any]:
    return _record(Kind.INTENT, step=f"stop {unit}", id=identity, target={"service": "amavis", "unit": unit})


def _units(*records: dict[str, Any], boot_id: str | None = None) -> list[str | None]:
    return [begun.unit for begun in unfinished(records, boot_id)]


def test_a_stopped_unit_is_owed_whether_or_not_the_stop_was_seen_to_end() -> None:
    stopped = _record(Kind.OUTCOME, step="stop amavis.service", id="i1", target=AMAVIS, result="ok")
    owed = Unfinished("i1", "stop amavis.service", "recover.amavis", "7", "amavis.service", "amavis")
    assert unfinished([_stop()]) == (owed,)
    assert unfinished([_stop(), stopped]) == (owed,)


def test_a_unit_is_owed_no_more_once_its_start_succeeded_and_still_is_when_it_failed() -> None:
    start = _record(Kind.INTENT, step="start amavis.service", id="i2", target=AMAVIS)
    ok = _record(Kind.OUTCOME, step="start amavis.service", id="i2", target=AMAVIS, result="ok: active")
    failed = {**ok, "result": "failed: timeout"}
    assert _units(_stop(), start) == ["amavis.service"]
    assert _units(_stop(), start, failed) == ["amavis.service"]
    assert _units(_stop(), start, ok) == []


def test_a_closed_incident_owes_nothing_unless_something_is_still_down() -> None:
    def closed(words: str) -> dict[str, Any]:
        return _record(Kind.INCIDENT, result=words)
    assert _units(_stop(), closed("closed: recovered")) == []
    assert _units(_stop(), closed("held: three attempts")) == ["amavis.service"]
    assert _units(_stop(), closed("closed: failed: x; still down: amavis")) == ["amavis.service"]
    assert _units(_stop(), {**closed("closed: recovered"), "incident": "8"}) == ["amavis.service"]


def test_a_daemon_that_crashes_again_before_it_made_good_still_knows() -> None:
    assert _units(_stop(), _record(Kind.START), _record(Kind.START)) == ["amavis.service"]
    made_good = _record(Kind.RECOVERED, step="start amavis.service", target=AMAVIS, result="started again")
    assert _units(_stop(), _record(Kind.START), made_good) == []
    assert _units(_stop(), _record(Kind.START), {**made_good, "result": "failed: no such unit"}) == ["amavis.service"]


def test_units_are_owed_in_the_order_in_which_they_went_down() -> None:
    assert _units(_stop("i1", "amavis.timer"), _stop("i2"), _stop("i3", "clamd.service"), _stop("i4")) \
        == ["amavis.timer", "amavis.service", "clamd.service"]


def test_other_acts_are_unfinished_until_their_outcome_or_the_next_start() -> None:
    purge = _record(Kind.INTENT, step="purge vscan", id="i5")
    kill = _record(Kind.INTENT, step="KILL stop x[7]", id="i6")
    assert [begun.id for begun in unfinished([purge, kill])] == ["i5", "i6"]
    assert [begun.id for begun in unfinished([purge, kill, _record(Kind.OUTCOME, id="i5")])] == ["i6"]
    assert unfinished([purge, kill, _record(Kind.START)]) == ()


def test_another_boot_owes_nothing_because_every_service_started_afresh() -> None:
    assert _units({**_stop(), "boot": "before"}, boot_id="now") == []
    assert _units(_stop(), boot_id="now") == ["amavis.service"]


def test_records_of_strange_shapes_are_skipped() -> None:
    strange: list[dict[str, Any]] = [{}, {"kind": "intent", "step": 7, "id": [1]}, {"kind": "outcome", "target": "x"},
                                     {"kind": "incident", "result": None}, {"kind": "intent", "step": "stop "}]
    assert unfinished(strange) == ()


def test_what_is_owed_is_read_back_after_opening_even_from_a_damaged_segment(write: Writer, directory: Path) -> None:
    journal = write()
    journal.append(Record(Kind.START))
    journal.append(Record(Kind.INTENT, incident="7", step="stop amavis.service", id="i1", target=AMAVIS))
    journal.append(Record(Kind.INTENT, incident="7", step="purge vscan", id="i2"))
    journal.append(Record(Kind.LATE))
    journal.close()
    assert [begun.step for begun in read_unfinished(str(directory), "b00t")] == ["stop amavis.service", "purge vscan"]
    path = directory / "audit.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    journal = write()
    assert [begun.step for begun in read_unfinished(str(directory), "b00t")] == ["stop amavis.service", "purge vscan"]
    journal.append(Record(Kind.RECOVERED, incident="7", step="start amavis.service", target=AMAVIS, result="ok"))
    journal.append(Record(Kind.START))
    assert read_unfinished(str(directory), "b00t") == ()


def test_a_process_that_calls_itself_like_a_record_changes_nothing(write: Writer, directory: Path) -> None:
    journal = write()
    journal.append(Record(Kind.INTENT, incident="7", step="stop amavis.service", id="i1", target=AMAVIS))
    name = '"step":"start amavis.service'
    journal.append(Record(Kind.LATE, step='"kind":"start","incident":', target={"name": name}))
    assert [begun.unit for begun in read_unfinished(str(directory))] == ["amavis.service"]


def test_no_journal_owes_nothing(directory: Path) -> None:
    assert read_unfinished(str(directory)) == ()


def test_a_long_journal_is_searched_within_a_fraction_of_a_second(write: Writer, directory: Path) -> None:
    journal = write(segment_bytes=64 << 20)
    journal.append(Record(Kind.INTENT, incident="7", step="stop amavis.service", id="i1", target=AMAVIS))
    while (directory / "audit.jsonl").stat().st_size < 8 << 20:
        for _ in range(1000):
            journal.append(Record(Kind.OUTCOME, step="KILL clamscan[4711]", target={"pid": 4711, "name": "clamscan"}))
    journal.append(Record(Kind.START))
    started = time.perf_counter()
    assert [begun.unit for begun in read_unfinished(str(directory))] == ["amavis.service"]
    assert time.perf_counter() - started < 0.6

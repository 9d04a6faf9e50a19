from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from watchdog_oom.core.cleaning import Cleaning
from watchdog_oom.core.history import Contained, History, Queue, Recovery, RecoveryRun
from watchdog_oom.core.model import UNLIMITED_BYTES, ProcessId
from watchdog_oom.core.scores import Adjusted, Attempt, Scores, Written
from watchdog_oom.daemon import state_file

HISTORY = History(
    recoveries={"amavis": Recovery(started=(1.0, 2.5), ended=3.0, last_result="failed: x", unhelped=2, held_since=4.0,
                                   fingerprint="f", owed=("amavis",), owed_triggers=("amavis.socket",))},
    adjusted={ProcessId(12, 345): Adjusted("mysqld", 0, -900, 7.0)},
    cleans={"sessions": Cleaning(99.5, "i-2", "sessions", 8.0, last_result="12 entries cleared", last_ended=9.0)},
    frozen={ProcessId(13, 346): "limit.x"},
    contained={"x.service": Contained("limit.x", "x", 4096, None, UNLIMITED_BYTES, None, 8.0, True, "i-1",
                                       failed=9.0)})


PURGING = {"vscan": "/var/spool/vscan"}
NOTHING = state_file.State(History())


def save(directory: Path, *, complete: bool = False) -> None:
    state_file.save(str(directory), state_file.to_plain("boot", HISTORY, PURGING, complete=complete))


def restore(directory: Path, boot_id: str = "boot") -> state_file.State:
    return state_file.restore(str(directory), boot_id, History())


def test_what_is_saved_comes_back_in_the_same_boot(tmp_path: Path) -> None:
    save(tmp_path)
    state = state_file.restore(str(tmp_path), "boot", History(run_id="new"))
    restored = state.history
    assert (state.purging, state.complete, state.problem, state.unclosed) == (PURGING, False, "", {})
    assert restored.recoveries == HISTORY.recoveries
    assert restored.frozen == HISTORY.frozen
    assert restored.adjusted[ProcessId(12, 345)].original == 0
    assert restored.run_id == "new"
    assert restored.cleans == {"sessions": Cleaning(99.5, last_result="12 entries cleared", last_ended=9.0)}
    assert restored.contained == {"x.service": Contained("limit.x", "x", 4096, None, UNLIMITED_BYTES, None, 8.0, True,
                                                         done=0.0, seen=True)}
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_what_one_of_a_queue_needs_is_kept_once_it_is_known_and_written_seldom() -> None:
    def kept(need: float, *, settled: bool) -> dict[str, int]:
        queues = {"scans": Queue(need, seen_at=50.0, settled=settled)}
        needs: dict[str, int] = state_file.to_plain("boot", replace(HISTORY, queues=queues), PURGING)["needs"]
        return needs

    assert kept(1e8, settled=False) == {}
    assert 1e8 <= kept(1e8, settled=True)["scans"] <= 1.1e8
    assert len({kept(1e8 * 0.99 ** step, settled=True)["scans"] for step in range(20)}) <= 3
    assert kept(0.0, settled=True) == {"scans": 1}


def test_a_daemon_that_starts_takes_over_what_one_needs_as_if_just_seen() -> None:
    plain = state_file.to_plain("boot", replace(HISTORY, queues={"scans": Queue(4096.0, settled=True)}), PURGING)
    queue = state_file.from_plain(json.loads(json.dumps(plain)), History()).history.queues["scans"]
    assert queue.settled and 4096 <= queue.need_bytes <= 4096 * 1.1
    assert queue.seen_at > 1e300, "no time passes for what the daemon did not see"


def test_what_was_written_and_for_whom_comes_back(tmp_path: Path) -> None:
    written = {(-900, "db.service"): Written(7.5, "mysqld[12]", "protect.db", 30)}
    adjusted = Adjusted("mysqld", 30, -900, 7.5, "db.service", Attempt("i-1", "protect.db", 7.5))
    history = History(adjusted={ProcessId(12, 345): adjusted}, scores=Scores(written, judged_until=7300.0))
    state_file.save(str(tmp_path), state_file.to_plain("boot", history, {}))
    restored = restore(tmp_path).history
    assert restored.scores == Scores(written, judged_until=7200.0)
    assert restored.adjusted == {ProcessId(12, 345): replace(adjusted, write=Attempt(rule="protect.db", touched=True))}


def test_a_debt_of_an_earlier_release_is_known_and_makes_nobody_an_heir(tmp_path: Path) -> None:
    plain = {"boot": "boot", "recoveries": {}, "adjusted": [[12, 345, "mysqld", 0, -900]], "frozen": []}
    (tmp_path / "state.json").write_text(json.dumps(plain))
    adjusted = restore(tmp_path).history.adjusted[ProcessId(12, 345)]
    assert (adjusted.original, adjusted.value) == (0, -900) and adjusted.since > 1e11


def test_after_a_reboot_everything_begins_afresh(tmp_path: Path) -> None:
    save(tmp_path)
    assert restore(tmp_path, "another") == replace(NOTHING, reboot=True)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"boot": "boot"}', b"\xff\xfe",
                                     b'{"boot":"boot","recoveries":1}'])
def test_a_damaged_file_means_a_fresh_start_that_says_so_and_never_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.json").write_bytes(content)
    state = restore(tmp_path)
    assert state.history == History() and not state.complete
    assert state.problem == f"{tmp_path}/state.json cannot be used: it is damaged; what it held is not known any more"


def test_no_file_is_a_first_start_and_no_trouble(tmp_path: Path) -> None:
    assert restore(tmp_path) == NOTHING


def test_a_file_of_an_older_release_is_still_good(tmp_path: Path) -> None:
    plain = state_file.to_plain("boot", HISTORY, PURGING)
    for key in ("contained", "purging", "complete", "needs"):
        del plain[key]
    for key in ("units", "incident"):
        del plain["recoveries"]["amavis"][key]
    (tmp_path / "state.json").write_text(json.dumps(plain))
    state = restore(tmp_path)
    assert state.history.frozen == HISTORY.frozen
    assert state.history.recoveries["amavis"].owed == ("amavis",)
    assert (dict(state.purging), state.complete, state.problem) == ({}, False, "")


def test_a_symlink_in_its_place_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    save(tmp_path)
    (tmp_path / "state.json").rename(elsewhere)
    (tmp_path / "state.json").symlink_to(elsewhere)
    state = restore(tmp_path)
    assert state.history == History() and "symbolic links" in state.problem


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        save(tmp_path / "missing")


def test_an_end_by_its_own_will_is_told_to_the_next_life(tmp_path: Path) -> None:
    save(tmp_path, complete=True)
    assert restore(tmp_path).complete


def test_what_a_run_in_the_middle_has_stopped_is_saved_as_owed_with_its_units_and_its_incident(tmp_path: Path) -> None:
    run = RecoveryRun("amavis-1", ("why",), 1.0, stopped=("amavis",), triggers=("amavis.socket",))
    units = {"amavis": ("amavis.service", "amavis.socket")}
    history = replace(HISTORY, recoveries={"amavis": Recovery(run=run, units=units)})
    state_file.save(str(tmp_path), state_file.to_plain("boot", history, {}))
    state = restore(tmp_path)
    recovery = state.history.recoveries["amavis"]
    assert (recovery.owed, recovery.owed_triggers, recovery.units) == (("amavis",), ("amavis.socket",), units)
    assert recovery.run is None and state.unclosed == {"amavis": "amavis-1"}


def test_only_durable_changes_call_for_a_write() -> None:
    def plain(history: History) -> dict[str, Any]:
        return state_file.to_plain("boot", history, {})
    assert plain(HISTORY) == plain(replace(HISTORY, counter=99, kills=(1.0,)))
    assert plain(HISTORY) != plain(replace(HISTORY, recoveries={}))

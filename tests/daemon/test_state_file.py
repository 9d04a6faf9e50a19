from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchdog_oom.core.history import Adjusted, Contained, History, Recovery
from watchdog_oom.core.model import UNLIMITED_BYTES, ProcessId
from watchdog_oom.daemon import state_file

HISTORY = History(
    recoveries={"amavis": Recovery(started=(1.0, 2.5), ended=3.0, last_result="failed: x", unhelped=2, held_since=4.0,
                                   owed=("amavis",), owed_triggers=("amavis.socket",))},
    adjusted={ProcessId(12, 345): Adjusted("mysqld", 0, -900, 7.0)}, frozen={ProcessId(13, 346): "limit.x"},
    contained={"x.service": Contained("limit.x", "x", 4096, None, UNLIMITED_BYTES, None, 8.0, True, "i-1",
                                       failed=9.0)})


def test_what_is_saved_comes_back_in_the_same_boot(tmp_path: Path) -> None:
    assert state_file.save(str(tmp_path), "boot", HISTORY)
    restored = state_file.restore(str(tmp_path), "boot", History(run_id="new"))
    assert restored.recoveries == HISTORY.recoveries
    assert restored.frozen == HISTORY.frozen
    assert restored.adjusted[ProcessId(12, 345)].original == 0
    assert restored.run_id == "new"
    assert restored.contained == {"x.service": Contained("limit.x", "x", 4096, None, UNLIMITED_BYTES, None, 8.0, True,
                                                         done=0.0, seen=True)}
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_after_a_reboot_everything_begins_afresh(tmp_path: Path) -> None:
    state_file.save(str(tmp_path), "boot", HISTORY)
    assert state_file.restore(str(tmp_path), "another", History()) == History()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"boot": "boot"}', b"\xff\xfe",
                                     b'{"boot":"boot","recoveries":1}'])
def test_a_damaged_file_means_a_fresh_start_and_never_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.json").write_bytes(content)
    assert state_file.restore(str(tmp_path), "boot", History()) == History()


def test_a_file_of_a_release_before_containment_is_still_good(tmp_path: Path) -> None:
    plain = state_file.to_plain("boot", HISTORY)
    del plain["contained"]
    (tmp_path / "state.json").write_text(json.dumps(plain))
    assert state_file.restore(str(tmp_path), "boot", History()).frozen == HISTORY.frozen


def test_a_symlink_in_its_place_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    state_file.save(str(tmp_path), "boot", HISTORY)
    (tmp_path / "state.json").rename(elsewhere)
    (tmp_path / "state.json").symlink_to(elsewhere)
    assert state_file.restore(str(tmp_path), "boot", History()) == History()


def test_a_directory_that_cannot_be_written_is_said_and_not_raised(tmp_path: Path) -> None:
    assert not state_file.save(str(tmp_path / "missing"), "boot", HISTORY)


def test_only_durable_changes_call_for_a_write() -> None:
    from dataclasses import replace
    assert state_file.durable(HISTORY) == state_file.durable(replace(HISTORY, counter=99, kills=(1.0,)))
    assert state_file.durable(HISTORY) != state_file.durable(replace(HISTORY, recoveries={}))

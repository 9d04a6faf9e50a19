"""Small files replaced whole, in a real directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from watchdog_oom.daemon.atomic_file import read_own, replace_file


def test_the_new_content_stands_there_whole_with_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    before = os.umask(0o077)
    try:
        assert replace_file(str(path), b"old", 0o644)
        assert replace_file(str(path), b"new", 0o644)
    finally:
        os.umask(before)
    assert read_own(str(path)) == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert os.listdir(tmp_path) == ["state.json"]


def test_who_has_the_old_file_open_goes_on_reading_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    replace_file(str(path), b"old")
    with path.open("rb") as reader:
        replace_file(str(path), b"new and longer")
        assert reader.read() == b"old"


def test_a_directory_that_is_gone_is_an_answer_and_no_error(tmp_path: Path) -> None:
    assert not replace_file(str(tmp_path / "none" / "state.json"), b"x")


def test_a_new_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(b"old")
    (tmp_path / "state.json.new").mkdir()
    assert not replace_file(str(tmp_path / "state.json"), b"new")
    assert read_own(str(tmp_path / "state.json")) == b"old"


def test_a_planted_link_is_neither_written_through_nor_read(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "state.json.new").symlink_to("victim")
    assert not replace_file(str(tmp_path / "state.json"), b"x")
    assert (tmp_path / "victim").read_bytes() == b"precious"
    (tmp_path / "state.json").symlink_to("victim")
    with pytest.raises(OSError, match="symbolic links"):
        read_own(str(tmp_path / "state.json"))

"""Small files replaced whole, in a real directory."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import run

import pytest

from watchdog_oom.daemon.atomic_file import PAGE_BYTES, read_own, replace_file, swap_file


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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    if run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not permitted here")
    yield disk
    run(["umount", "-l", disk], check=True)


def fill(disk: Path) -> None:
    fd = os.open(disk / "filler", os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        while os.write(fd, b"x" * PAGE_BYTES):
            pass
    os.close(fd)


def test_a_file_is_replaced_whole_whether_it_grows_or_shrinks(tmp_path: Path) -> None:
    path = str(tmp_path / "state.json")
    for content in ([1], list(range(5000)), [2], []):
        swap_file(path, json.dumps(content).encode())
        assert json.loads(read_own(path)) == content
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_symlink_in_the_way_of_the_spare_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "state.json.new").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic links"):
        swap_file(str(tmp_path / "state.json"), b"{}")
    assert (tmp_path / "victim").read_text() == "mine"


@pytest.mark.root
def test_a_full_disk_takes_the_next_content_and_the_one_after_it(small_disk: Path) -> None:
    path = str(small_disk / "state.json")
    swap_file(path, b"[1]")
    inodes = {(small_disk / name).stat().st_ino for name in ("state.json", "state.json.new")}
    fill(small_disk)
    assert not replace_file(f"{path}.other", b"x" * PAGE_BYTES), "the disk is full"
    for number in range(2, 9):
        swap_file(path, json.dumps([number] * 400).encode())
        assert json.loads(read_own(path))[0] == number
        assert {(small_disk / name).stat().st_ino for name in ("state.json", "state.json.new")} == inodes


@pytest.mark.root
def test_what_does_not_fit_is_an_error_and_the_old_content_stays(small_disk: Path) -> None:
    path = str(small_disk / "state.json")
    swap_file(path, b"[1]")
    fill(small_disk)
    with pytest.raises(OSError, match="No space left"):
        swap_file(path, json.dumps(list(range(5000))).encode())
    assert json.loads(read_own(path)) == [1]


def test_a_huge_file_that_is_replaced_costs_neither_memory_nor_time(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.touch()
    os.truncate(path, 1 << 40)
    for content in (b"1", b"2", b"3"):
        swap_file(str(path), content)
        assert path.read_bytes().strip() == content
    assert (tmp_path / "state.json.new").stat().st_size < 1 << 21

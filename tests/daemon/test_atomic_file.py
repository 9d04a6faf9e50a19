from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import run

import pytest

from watchdog_oom.daemon.atomic_file import PAGE_BYTES, read_own, replace_file, swap_file


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

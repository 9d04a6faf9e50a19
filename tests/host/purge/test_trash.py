from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog_oom.host.purge.messages import Remaining
from watchdog_oom.host.purge.trash import create_trash, leftovers, put_back, remaining, take, trash_names
from watchdog_oom.host.spools.names import trash_prefix_of

INODE = 0xabc


@pytest.fixture
def base_fd(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path, os.O_RDONLY)
    yield fd
    os.close(fd)


def test_trash_is_for_its_owner_alone_and_goes_when_it_is_empty(tmp_path: Path, base_fd: int) -> None:
    trash = create_trash(base_fd, INODE)
    assert stat.S_IMODE((tmp_path / trash.name).stat().st_mode) == 0o700
    trash.close()
    assert list(tmp_path.iterdir()) == []


def test_an_entry_goes_there_and_back_as_it_was(tmp_path: Path, base_fd: int) -> None:
    (tmp_path / "entry\udcff").mkdir()
    (tmp_path / "entry\udcff" / "file").write_text("x")
    trash = create_trash(base_fd, INODE)
    found = take("entry\udcff", base_fd, trash)
    assert stat.S_ISDIR(found.st_mode)
    assert not (tmp_path / "entry\udcff").exists()
    assert put_back("entry\udcff", base_fd, trash)
    trash.close()
    assert (tmp_path / "entry\udcff" / "file").read_text() == "x"


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_nothing_is_replaced_on_the_way_back(kind: str, tmp_path: Path, base_fd: int) -> None:
    entry = tmp_path / "entry"
    entry.mkdir() if kind == "directory" else entry.write_text("old")
    trash = create_trash(base_fd, INODE)
    take("entry", base_fd, trash)
    entry.write_text("new")
    assert not put_back("entry", base_fd, trash)
    trash.close()
    assert entry.read_text() == "new"
    assert (tmp_path / trash.name / "entry").exists()


def test_leftovers_are_told_by_name_mode_and_a_lock_that_nobody_holds(tmp_path: Path, base_fd: int) -> None:
    held = create_trash(base_fd, INODE)
    prefix = trash_prefix_of(INODE)
    (tmp_path / f"{prefix}left").mkdir(0o700)
    (tmp_path / f"{prefix}open").mkdir()
    (tmp_path / f"{prefix}open").chmod(0o755)
    (tmp_path / f"{prefix}link").symlink_to("/etc")
    (tmp_path / f"{prefix}file").touch()
    (tmp_path / f"{trash_prefix_of(INODE + 1)}left").mkdir(0o700)
    found = list(leftovers(base_fd, INODE))
    assert [trash.name for trash in found] == [f"{prefix}left"]
    for trash in (*found, held):
        trash.close()


def test_trash_is_found_by_its_name_in_a_directory_and_that_of_another_spool_is_not(tmp_path: Path,
                                                                                     base_fd: int) -> None:
    assert trash_names(base_fd, INODE) == ()
    (tmp_path / f"{trash_prefix_of(INODE)}ours").mkdir()
    (tmp_path / f"{trash_prefix_of(INODE + 1)}others").mkdir()
    (tmp_path / "entry").mkdir()
    assert trash_names(base_fd, INODE) == (f"{trash_prefix_of(INODE)}ours",)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_trash_of_another_user_is_no_leftover_of_ours(tmp_path: Path, base_fd: int) -> None:
    forged = tmp_path / f"{trash_prefix_of(INODE)}x"
    forged.mkdir(0o700)
    os.chown(forged, 4321, 4321)
    assert list(leftovers(base_fd, INODE)) == []


def test_trash_that_holds_something_is_counted_in_the_spool_and_beside_it(spool_base: Path) -> None:
    spool = spool_base / "spool"
    spool.mkdir()
    prefix = trash_prefix_of(spool.stat().st_ino)
    for directory in (spool, spool_base):
        for name in ("full", "empty", "open"):
            (directory / f"{prefix}{name}").mkdir(0o700)
        (directory / f"{prefix}full" / "entry").touch()
        (directory / f"{prefix}open" / "entry").touch()
        (directory / f"{prefix}open").chmod(0o755)
        (directory / f"{prefix}link").symlink_to(directory / f"{prefix}full")
    fds = [os.open(directory, os.O_RDONLY) for directory in (spool, spool_base)]
    assert remaining(fds, spool.stat().st_ino, os.geteuid()) == Remaining(2, 2)
    assert remaining(fds[1:], spool.stat().st_ino, os.geteuid()) == Remaining(1, 1)
    assert remaining(fds, spool.stat().st_ino, os.geteuid() + 1) == Remaining(0, 0)
    for fd in fds:
        os.close(fd)

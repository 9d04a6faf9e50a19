from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog_oom.host.purge.trash import create_trash, leftovers, put_back, take, trash_names
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


def test_trash_is_found_by_its_name_in_the_spool_and_beside_it(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    prefix = trash_prefix_of(spool.stat().st_ino)
    assert trash_names(str(spool)) == ()
    (spool / f"{prefix}in").mkdir()
    (tmp_path / f"{prefix}beside").mkdir()
    (tmp_path / f"{trash_prefix_of(spool.stat().st_ino + 1)}others").mkdir()
    (spool / "entry").mkdir()
    assert set(trash_names(str(spool)) or ()) == {f"{prefix}in", f"{prefix}beside"}


def test_of_a_spool_with_more_names_than_can_be_read_in_passing_it_is_not_known(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).touch()
    assert trash_names(str(tmp_path), most_names=4) is None


def test_a_spool_that_is_not_there_or_refused_has_no_trash(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert trash_names(str(tmp_path / "none")) == trash_names(str(tmp_path / "link")) == ()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_trash_of_another_user_is_no_leftover_of_ours(tmp_path: Path, base_fd: int) -> None:
    forged = tmp_path / f"{trash_prefix_of(INODE)}x"
    forged.mkdir(0o700)
    os.chown(forged, 4321, 4321)
    assert list(leftovers(base_fd, INODE)) == []

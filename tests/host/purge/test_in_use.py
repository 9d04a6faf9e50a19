from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.host.purge.in_use import MOST_HELD_UP, InUse, Look, pack_in_use, read_in_use, unpack_in_use
from watchdog_oom.host.purge.open_files import Place


def inode(path: Path) -> int:
    return path.stat().st_ino


def place_of(path: Path) -> Place:
    return Place(path.stat().st_dev, path.stat().st_dev)


def maps_line(path: Path) -> bytes:
    device = path.stat().st_dev
    return b"1-2 r--p 0 %x:%x %d   /x\n" % (os.major(device), os.minor(device), path.stat().st_ino)


def without_sockets_of_others(found: InUse) -> InUse:
    """Sockets are asked for over netlink, of this host whatever the root of /proc: other programs' are left out."""
    paths = [line.split()[7] for line in Path("/proc/net/unix").read_text().splitlines() if len(line.split()) > 7]
    bound = {os.stat(path).st_ino for path in paths if path.startswith("/") and os.path.exists(path)}
    return InUse(found.inodes - bound, found.unseen)


def test_what_processes_have_open_is_found_below_any_proc_and_broken_ones_are_passed_over(tmp_path: Path) -> None:
    """A directory as /proc: links stand for links."""
    files = {name: tmp_path / name for name in ("open", "cwd", "exe", "root", "thread", "mine", "mapped")}
    for path in files.values():
        path.touch()
    proc = tmp_path / "proc"
    (proc / "10" / "fd").mkdir(parents=True)
    (proc / "10" / "fd" / "3").symlink_to(files["open"])
    (proc / "10" / "fd" / "4").symlink_to("socket:[123]")
    (proc / "10" / "fd" / "6").symlink_to(tmp_path / "deleted")
    for link in ("cwd", "exe", "root"):
        (proc / "10" / link).symlink_to(files[link])
    (proc / "10" / "maps").write_bytes(maps_line(files["mapped"]))
    (proc / "11" / "task" / "12" / "fd").mkdir(parents=True)
    (proc / "11" / "task" / "12" / "fd" / "0").symlink_to(files["thread"])
    (proc / "12").mkdir()
    (proc / "13" / "fd").mkdir(parents=True)
    (proc / "13" / "fd" / "3").symlink_to(files["mine"])
    (proc / "self").mkdir()
    found = read_in_use(Look(str(proc), place_of(tmp_path), without=[13]))
    assert without_sockets_of_others(found) == InUse(frozenset(inode(files[name]) for name in files if name != "mine"))


def test_a_process_that_holds_up_the_look_is_counted_and_all_others_are_seen(tmp_path: Path) -> None:
    """Nobody writes into this pipe, so that a read of its map never comes back."""
    (tmp_path / "file").touch()
    proc = tmp_path / "proc"
    for pid in ("10", "11", "12"):
        (proc / pid / "fd").mkdir(parents=True)
    os.mkfifo(proc / "11" / "maps")
    (proc / "11" / "fd" / "3").symlink_to(tmp_path / "file")
    (proc / "12" / "maps").write_bytes(maps_line(tmp_path))
    began = time.monotonic()
    found = read_in_use(Look(str(proc), place_of(tmp_path), patience_seconds=0.3))
    assert without_sockets_of_others(found) == InUse(frozenset([inode(tmp_path / "file"), inode(tmp_path)]), unseen=1)
    assert time.monotonic() - began < 3.0


def test_many_who_hold_up_the_look_cost_no_more_than_a_few(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    for pid in range(10, 60):
        (proc / str(pid)).mkdir(parents=True)
        os.mkfifo(proc / str(pid) / "maps")
    began = time.monotonic()
    found = read_in_use(Look(str(proc), place_of(tmp_path), patience_seconds=0.2))
    assert found.unseen == 50
    assert time.monotonic() - began < 0.2 * MOST_HELD_UP[2] + 2.0


@given(st.frozensets(st.integers(0, 2**64 - 1)), st.integers(0, 2**64 - 1))
def test_what_is_in_use_survives_the_way_to_another_process(inodes: frozenset[int], unseen: int) -> None:
    packed = pack_in_use(InUse(inodes, unseen))
    assert unpack_in_use(packed) == InUse(inodes, unseen)
    with pytest.raises(OSError, match="could not be found out"):
        unpack_in_use(packed[:-1])


def test_the_look_at_this_host_finds_a_file_that_we_hold(tmp_path: Path) -> None:
    (tmp_path / "held").touch()
    fd = os.open(tmp_path / "held", os.O_RDONLY)
    try:
        found = read_in_use(Look("/proc", place_of(tmp_path)))
    finally:
        os.close(fd)
    assert inode(tmp_path / "held") in found.inodes

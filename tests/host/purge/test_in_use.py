from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.host.purge.in_use import parse_maps, parse_unix_sockets, read_in_use

MAPS = (b"55d0-55d1 r--p 00000000 fe:00 1234                       /usr/bin/x\n"
        b"7f00-7f01 rw-p 00000000 00:00 0 \n7f02-7f03 rw-s 00000000 00:01 77    [heap]\n"
        b"7f04-7f05 r--s 00000000 08:1a 99                         /var/spool/a b (deleted)\n")


def inode(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def test_mapped_files_are_told_by_device_and_inode() -> None:
    assert parse_maps(MAPS) == {(os.makedev(0xfe, 0), 1234), (os.makedev(8, 0x1a), 99)}


def test_bound_sockets_are_told_by_path_even_with_spaces_and_bytes_that_are_no_text() -> None:
    content = (b"Num       RefCount Protocol Flags    Type St Inode Path\n"
               b"0000: 00000003 00000000 00000000 0001 03  1544\n"
               b"0001: 00000002 00000000 00010000 0001 01 10544 /run/a b\xff\n"
               b"0002: 00000002 00000000 00010000 0001 01 10545 @abstract\n")
    assert parse_unix_sockets(content) == ("/run/a b\udcff",)


@given(st.binary())
def test_any_bytes_are_read_without_an_error(content: bytes) -> None:
    parse_maps(content)
    parse_unix_sockets(content)


def test_what_processes_have_open_is_found_below_any_proc_and_broken_ones_are_passed_over(tmp_path: Path) -> None:
    """A directory as /proc: links stand for links."""
    files = {name: tmp_path / name for name in ("open", "cwd", "exe", "root", "thread", "mine", "remote")}
    for path in files.values():
        path.touch()
    proc = tmp_path / "proc"
    (proc / "10" / "fd").mkdir(parents=True)
    (proc / "10" / "fd" / "3").symlink_to(files["open"])
    (proc / "10" / "fd" / "4").symlink_to("socket:[123]")
    (proc / "10" / "fd" / "5").symlink_to(files["remote"])
    (proc / "10" / "fd" / "6").symlink_to(tmp_path / "deleted")
    for link in ("cwd", "exe", "root"):
        (proc / "10" / link).symlink_to(files[link])
    (proc / "10" / "stat").write_bytes(b"10 (a) D 1 () S 1 1")
    (proc / "10" / "maps").write_bytes(MAPS)
    (proc / "11" / "task" / "12" / "fd").mkdir(parents=True)
    (proc / "11" / "task" / "12" / "fd" / "0").symlink_to(files["thread"])
    (proc / "12").mkdir()
    (proc / "13" / "fd").mkdir(parents=True)
    (proc / "13" / "fd" / "3").symlink_to(files["mine"])
    (proc / "self").mkdir()
    found = read_in_use(str(proc), avoid=(str(files["remote"]),), without=[13], spool_devices=(os.makedev(8, 0x1a), 55))
    named = {inode(files[name]) for name in ("open", "cwd", "exe", "root", "thread")}
    assert found.inodes == named | parse_maps(MAPS) | {(55, 99)}
    assert found.unseen == 0


def test_the_map_of_a_process_that_sleeps_uninterruptibly_is_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "10" / "fd").mkdir(parents=True)
    (tmp_path / "10" / "stat").write_bytes(b"10 (x) S (y) D 1 1 1")
    (tmp_path / "10" / "maps").write_bytes(MAPS)
    assert read_in_use(str(tmp_path)).inodes == frozenset()

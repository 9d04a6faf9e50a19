from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_oom.host.processes.procfs import read_stat
from watchdog_oom.host.purge.mounts import Mount
from watchdog_oom.host.purge.open_files import OpenFiles, Place, parse_fdinfo, parse_maps

MAPS = (b"55d0-55d1 r--p 00000000 fe:00 1234                       /usr/bin/x\n"
        b"7f00-7f01 rw-p 00000000 00:00 0 \n7f02-7f03 rw-s 00000000 00:01 77    [heap]\n"
        b"7f04-7f05 r--s 00000000 08:1a 99                         /var/spool/a b (deleted)\n")


_SYSCALL_EXIT = {"x86_64": 60, "aarch64": 93}  # exit(2): it ends one thread
_FIRST_THREAD_ENDS = """
import ctypes, mmap, os, sys, threading, time
opened, mapped, directory, number = sys.argv[1:]
kept = open(opened), mmap.mmap(os.open(mapped, os.O_RDONLY), 0, prot=mmap.PROT_READ)
os.chdir(directory)
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).syscall(int(number), 0)
"""


def place_of(path: Path) -> Place:
    return Place(path.stat().st_dev, path.stat().st_dev)


def test_mapped_files_are_told_by_device_and_inode() -> None:
    assert parse_maps(MAPS) == {(os.makedev(0xfe, 0), 1234), (os.makedev(8, 0x1a), 99)}


def test_a_mapping_whose_numbers_overflow_is_skipped_and_the_others_are_read() -> None:
    content = (b"1-2 r--p 0 ffffffffff:00 26723   /x\n1-2 r--p 0 08:fffffffff 26723   /x\n"
               b"1-2 r--p 0 08:01 99999999999999999999999   /x\n1-2 r--p 0 08:01 5   /x\n")
    assert parse_maps(content) == {(os.makedev(8, 1), 5)}


def test_mount_and_inode_of_an_open_file_are_the_kernels_own_lines() -> None:
    content = b"pos:\t0\nflags:\t0100000\nmnt_id:\t24\nino:\t2149873\nlock:\t1: FLOCK\nino:\t7\nmnt_id: 3\n"
    assert parse_fdinfo(content) == (24, 2149873)
    assert parse_fdinfo(b"pos:\t0\nflags:\t02\nmnt_id:\t15\n") == (15, None)
    assert parse_fdinfo(b"mnt_id:\t99999999999999999999999\nino:\t18446744073709551616\n") == (None, None)


@given(st.binary())
@example(b"a b c ffffffffffffffffffffff:0 1 /")
@example("ino:\u0663".encode())
def test_any_bytes_are_read_without_an_error(content: bytes) -> None:
    parse_maps(content)
    parse_fdinfo(content)


def process(proc: Path, pid: int, **links: Path) -> Path:
    (proc / str(pid) / "fd").mkdir(parents=True)
    (proc / str(pid) / "fdinfo").mkdir()
    for name, target in links.items():
        (proc / str(pid) / name).symlink_to(target)
    return proc / str(pid)


def open_file(at: Path, number: int, target: Path | str, *, mount: int | None = None, inode: int | None = None) -> None:
    (at / "fd" / str(number)).symlink_to(target)
    if mount is not None:
        ino = "" if inode is None else f"ino:\t{inode}\n"
        (at / "fdinfo" / str(number)).write_text(f"pos:\t0\nflags:\t0\nmnt_id:\t{mount}\n{ino}")


def test_a_file_on_another_mount_is_never_looked_at_whatever_its_path_says(tmp_path: Path) -> None:
    """Here the path leads to a file of the spool's filesystem: if it were looked at, it would count."""
    (tmp_path / "file").touch()
    at = process(tmp_path / "proc", 10)
    open_file(at, 3, tmp_path / "file", mount=77, inode=5)
    files = OpenFiles(str(tmp_path / "proc"), place_of(tmp_path), [Mount(77, 12345, "/far", "fuse.x")])
    assert files.open_by(10) == (set(), False)


def test_mounts_that_only_the_process_sees_are_read_from_its_own_table(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    (tmp_path / "file").touch()
    at = process(tmp_path / "proc", 10)
    (at / "mountinfo").write_text(f"88 1 {os.major(device)}:{os.minor(device)} / /in-there rw - ext4 x rw\n"
                                  f"89 1 99999999999:1 / /x rw - ext4 x rw\n90 1 0:3 / /y rw - fuse x rw\n")
    open_file(at, 3, tmp_path / "file", mount=88)
    open_file(at, 4, tmp_path / "nowhere", mount=90, inode=6)
    assert OpenFiles(str(tmp_path / "proc"), place_of(tmp_path)).open_by(10) == (
        {(tmp_path / "file").stat().st_ino}, False)


def test_a_descriptor_that_cannot_be_told_hides_none_behind_it_and_is_counted(tmp_path: Path) -> None:
    """A link to itself answers stat(2) with ELOOP, as a file that may not be looked into does with EACCES."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    at = process(tmp_path / "proc", 10)
    open_file(at, 3, tmp_path / "loop")
    open_file(at, 4, tmp_path / "file")
    assert OpenFiles(str(tmp_path / "proc"), place_of(tmp_path)).open_by(10) == (
        {(tmp_path / "file").stat().st_ino}, True)


def test_a_file_of_the_spools_filesystem_that_refuses_to_be_looked_at_counts_by_its_fdinfo(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    at = process(tmp_path / "proc", 10)
    open_file(at, 3, tmp_path / "loop", mount=21, inode=4711)
    files = OpenFiles(str(tmp_path / "proc"), place_of(tmp_path), [Mount(21, tmp_path.stat().st_dev, "/", "ext4")])
    assert files.open_by(10) == ({4711}, False)


def test_a_path_below_a_remote_mount_is_passed_over_only_in_our_own_namespace(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    proc = tmp_path / "proc"
    (proc / "self" / "ns").mkdir(parents=True)
    (proc / "self" / "ns" / "mnt").symlink_to("mnt:[1]")
    for pid, namespace in ((10, "mnt:[1]"), (11, "mnt:[2]")):
        at = process(proc, pid, cwd=tmp_path / "far")
        (at / "ns").mkdir()
        (at / "ns" / "mnt").symlink_to(namespace)
    files = OpenFiles(str(proc), place_of(tmp_path), remote=(f"{tmp_path}/far",))
    assert files.open_by(10) == (set(), False)
    assert files.open_by(11) == ({(tmp_path / "far").stat().st_ino}, False)


def test_inode_numbers_of_another_subvolume_are_others(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    at = process(tmp_path / "proc", 10)
    open_file(at, 3, tmp_path / "file", mount=21)
    device = tmp_path.stat().st_dev
    subvolume = Place(device, device + 1, "btrfs")
    assert OpenFiles(str(tmp_path / "proc"), subvolume, [Mount(21, device, "/", "btrfs")]).open_by(10) == (set(), False)


def test_mappings_count_by_the_spools_device_and_on_layers_by_their_number_alone(tmp_path: Path) -> None:
    process(tmp_path, 10)
    (tmp_path / "10" / "maps").write_bytes(MAPS)
    device = os.makedev(8, 0x1a)
    assert OpenFiles(str(tmp_path), Place(device, device)).mapped_by(10) == ({99}, False)
    assert OpenFiles(str(tmp_path), Place(1, 1, "overlay")).mapped_by(10) == ({99, 1234}, False)
    assert OpenFiles(str(tmp_path), Place(device, device)).mapped_by(11) == (set(), False)


def test_what_a_process_holds_is_seen_though_its_first_thread_has_ended(tmp_path: Path) -> None:
    number = _SYSCALL_EXIT.get(os.uname().machine)
    if number is None:
        pytest.skip("the number of exit(2) is not known here")
    opened, mapped, directory = tmp_path / "opened", tmp_path / "mapped", tmp_path / "directory"
    for file in (opened, mapped):
        file.write_text("content")
    directory.mkdir()
    with subprocess.Popen([sys.executable, "-c", _FIRST_THREAD_ENDS, opened, mapped, directory, str(number)]) as child:
        try:
            end = time.monotonic() + 30
            while (process := read_stat("/proc", child.pid)) is None or process.state != "Z":
                assert time.monotonic() < end, "the first thread did not end"
                time.sleep(0.01)
            files = OpenFiles("/proc", place_of(tmp_path))
            found, blind = files.open_by(child.pid)
            assert {opened.stat().st_ino, directory.stat().st_ino} <= found
            assert not blind
            in_maps, _ = files.mapped_by(child.pid)
            assert mapped.stat().st_ino in in_maps
        finally:
            child.kill()

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from watchdog_oom.host import syscalls

Open = Callable[..., int]
BOTH = pytest.mark.parametrize("opening", [syscalls.openat2, syscalls.open_walking])


def refused(opening: Open, path: str, base: Path) -> int:
    base_fd = os.open(base, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match=r".") as caught:
            opening(path, os.O_RDONLY, dir_fd=base_fd)
    finally:
        os.close(base_fd)
    assert caught.value.errno is not None
    return caught.value.errno


@BOTH
def test_a_plain_file_below_opens_with_a_descriptor_that_is_closed_on_exec(opening: Open, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    name = os.fsdecode(b"\xff")
    (tmp_path / "a" / "b" / name).write_text("inside")
    base_fd = os.open(tmp_path, os.O_RDONLY)
    fd = opening(f"a/b/{name}", os.O_RDONLY, dir_fd=base_fd)
    assert os.read(fd, 100) == b"inside"
    assert not os.get_inheritable(fd)
    os.close(fd)
    os.close(base_fd)


@BOTH
def test_no_symlink_is_followed_wherever_it_stands(opening: Open, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").touch()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "last").symlink_to("file")
    assert refused(opening, "link/file", tmp_path) in (errno.ELOOP, errno.ENOTDIR)
    assert refused(opening, "real/last", tmp_path) == errno.ELOOP


@BOTH
@pytest.mark.parametrize("path", ["../sibling", "/etc/passwd", "a/../../sibling"])
def test_nothing_outside_can_be_opened(opening: Open, path: str, tmp_path: Path) -> None:
    (tmp_path / "base" / "a").mkdir(parents=True)
    (tmp_path / "sibling").touch()
    assert refused(opening, path, tmp_path / "base") == errno.EXDEV


@BOTH
@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_bind_mount_of_the_same_filesystem_is_another_mount(opening: Open, spool_base: Path) -> None:
    (spool_base / "a" / "mnt").mkdir(parents=True)
    subprocess.run(["mount", "--bind", str(spool_base), str(spool_base / "a" / "mnt")], check=True)
    assert refused(opening, "a/mnt", spool_base) == errno.EXDEV


def test_a_rename_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("one")
    (tmp_path / "two").write_text("two")
    fd = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(FileExistsError):
        syscalls.rename_without_replacing("one", "two", source_dir_fd=fd, target_dir_fd=fd)
    syscalls.rename_without_replacing("one", "three", source_dir_fd=fd, target_dir_fd=fd)
    os.close(fd)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["three", "two"]


def test_reserved_space_is_taken_without_a_longer_file(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "log", os.O_CREAT | os.O_RDWR)
    syscalls.fallocate(fd, 0, 1 << 20)
    assert os.fstat(fd).st_size == 0
    assert os.fstat(fd).st_blocks * 512 >= 1 << 20
    os.close(fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        syscalls.fallocate(fd, 0, 1 << 20)


def test_a_child_dies_with_the_process_that_forked_it(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        me = os.getpid()
        if os.fork() == 0:
            syscalls.die_with_parent(me)
            os.write(writing, b"x")
            os.close(reading)
            while True:
                signal.pause()
        os.read(reading, 1)
        os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    assert os.read(reading, 1) == b""  # the end of the pipe: its last holder is gone
    os.close(reading)


def test_two_processes_have_no_files_in_common() -> None:
    assert not syscalls.share_files(os.getpid(), os.getppid())


@pytest.mark.root
def test_a_program_inherits_no_ambient_capability_from_one_that_keeps_its_own() -> None:
    """As systemd starts a service with AmbientCapabilities=: another user, a capability that its programs would get."""
    code = ("import subprocess, sys\n"
            "from watchdog_oom.host.syscalls import keep_capabilities_to_itself\n"
            "def held(): return subprocess.run(['grep', 'CapEff', '/proc/self/status'], capture_output=True).stdout\n"
            "before = held(); keep_capabilities_to_itself(); after = held()\n"
            "own = open('/proc/self/status').read().partition('CapEff:')[2].split()[0]\n"
            "print(before.split()[1].decode(), after.split()[1].decode(), own)")
    program = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+dac_read_search",
               "--ambient-caps=+dac_read_search", sys.executable, "-c", code]
    done = subprocess.run(program, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == ["0000000000000004", "0000000000000000", "0000000000000004"]

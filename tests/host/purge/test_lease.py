from __future__ import annotations

import errno
import fcntl
import mmap
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog_oom.host.purge import lease


@pytest.fixture
def base_fd(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "entry" / "inner").mkdir(parents=True)
    (tmp_path / "entry" / "inner" / "file").write_text("x")
    (tmp_path / "entry" / "link").symlink_to("/etc/passwd")
    fd = os.open(tmp_path, os.O_RDONLY)
    with open(tmp_path / "entry" / "inner" / "file") as file:
        try:
            fcntl.fcntl(file.fileno(), fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            if error.errno == errno.EINVAL:
                pytest.skip("the filesystem of the tests knows no leases")
            raise
    yield fd
    os.close(fd)


def test_an_entry_that_nobody_uses_is_free(base_fd: int, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert lease.free(base_fd, "entry")
    assert lease.free(base_fd, "file")


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR])
def test_an_entry_with_an_open_file_is_not(flags: int, base_fd: int, tmp_path: Path) -> None:
    held = os.open(tmp_path / "entry" / "inner" / "file", flags)
    assert not lease.free(base_fd, "entry")
    os.close(held)
    assert lease.free(base_fd, "entry")


def test_nor_is_one_with_a_file_that_is_mapped_and_closed(base_fd: int, tmp_path: Path) -> None:
    with open(tmp_path / "entry" / "inner" / "file", "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    assert not lease.free(base_fd, "entry")
    mapped.close()
    assert lease.free(base_fd, "entry")


def test_what_is_no_file_and_what_is_gone_cannot_be_told(base_fd: int, tmp_path: Path) -> None:
    assert not lease.free(base_fd, "nothing")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "entry" / "sock"))
        assert not lease.free(base_fd, "entry")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_file_of_another_user_cannot_be_told(base_fd: int, tmp_path: Path) -> None:
    """As the owner of the entry, who may read it but is granted no lease."""
    tmp_path.chmod(0o755)
    for path in (tmp_path / "entry", tmp_path / "entry" / "inner"):
        os.chown(path, 4321, 4321)
    pid = os.fork()
    if pid == 0:
        os.setresuid(4321, 4321, 4321)
        os._exit(0 if not lease.free(base_fd, "entry") else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

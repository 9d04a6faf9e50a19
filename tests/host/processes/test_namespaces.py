"""Namespaces of real processes: the host's own, an unprivileged user's, and programs started through another's root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchdog_oom.core.matching import own_keys_match
from watchdog_oom.core.nouns import Namespaces, ProcessNoun
from watchdog_oom.host.processes.facts import FactReader
from watchdog_oom.host.processes.namespaces import NamespaceReader
from watchdog_oom.host.processes.procfs import PAGE_BYTES, read_exe, read_stat

NOBODY = 65534
FORGED = "/usr/sbin/sshd"
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a program and wait for its first line."""
    begun: list[subprocess.Popen[bytes]] = []

    def run(*argv: str, user: int | None = None) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=user,
                                   extra_groups=() if user else None)
        begun.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        return process

    yield run
    for process in begun:
        process.kill()
        process.wait()
        for pipe in filter(None, (process.stdin, process.stdout)):
            pipe.close()


@pytest.fixture
def forger(start: Start) -> subprocess.Popen[bytes]:
    """An unprivileged user's shell, run from a file that he mounted where sshd is."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare(1)")
    script = (f"mount -t tmpfs none /usr/sbin && cp /bin/sh {FORGED} && exec {FORGED} -c 'echo up; read x'")
    return start("unshare", "-Urm", "sh", "-c", f"{script} || echo no", user=NOBODY)


def noun(**keys: object) -> ProcessNoun:
    return ProcessNoun("sshd", exe=(re.compile(FORGED),), **keys)  # type: ignore[arg-type]


def matches(pid: int, by: ProcessNoun) -> bool:
    process = read_stat("/proc", pid)
    assert process is not None
    return own_keys_match(by, FactReader("/proc").complete(process, (by,))[0])


def test_a_process_of_the_host_is_its_own_and_its_program_lies_where_its_path_says(start: Start) -> None:
    pid = start("sh", "-c", "echo up; read x; :").pid
    reader = NamespaceReader("/proc")
    assert reader.are_hosts(pid) is True
    assert reader.exe_is_mounted(pid) is True


def test_an_exe_that_a_user_mounted_in_his_own_namespace_is_nobodys(forger: subprocess.Popen[bytes]) -> None:
    assert read_exe("/proc", forger.pid) == FORGED
    assert NamespaceReader("/proc").are_hosts(forger.pid) is False
    assert not matches(forger.pid, noun())
    assert matches(forger.pid, noun(namespaces=Namespaces.ANY))


def test_a_program_started_through_the_root_of_another_namespace_is_not_where_its_path_says(
        forger: subprocess.Popen[bytes], start: Start) -> None:
    outside = start(f"/proc/{forger.pid}/root{FORGED}", "-c", "echo up; read x", user=NOBODY)
    assert read_exe("/proc", outside.pid) == FORGED
    assert NamespaceReader("/proc").are_hosts(outside.pid) is True
    assert NamespaceReader("/proc").exe_is_mounted(outside.pid) is False
    assert not matches(outside.pid, noun())


def test_a_mount_namespace_that_root_made_is_the_hosts(start: Start) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare(1)")
    pid = start("unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt; echo up; read x; :").pid
    reader = NamespaceReader("/proc")
    assert os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt")
    assert reader.are_hosts(pid) is True
    assert reader.exe_is_mounted(pid) is True


def test_a_program_on_the_last_of_very_many_mounts_lies_where_its_path_says(start: Start) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare(1)")
    # The kernel gives a page of mountinfo at once; what ProtectSystem= mounts anew comes at its end.
    many = "mount -t tmpfs none /mnt; for n in $(seq 100); do mkdir /mnt/$n; mount --bind /mnt/$n /mnt/$n; done"
    pid = start("unshare", "-m", "sh", "-c", f"{many}; mkdir /mnt/x; mount -t tmpfs none /mnt/x; cp /bin/sh /mnt/x; "
                                             "exec /mnt/x/sh -c 'echo up; read x; :'").pid
    assert len(Path(f"/proc/{pid}/mountinfo").read_bytes()) > PAGE_BYTES
    assert NamespaceReader("/proc").exe_is_mounted(pid) is True


def test_what_cannot_be_read_is_not_known_and_speaks_against_nobody(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    reader = NamespaceReader(str(tmp_path))
    assert reader.are_hosts(7) is None
    assert reader.exe_is_mounted(7) is None


def test_a_directory_tree_can_stand_for_proc(tmp_path: Path) -> None:
    for pid, user in (("self", 1), ("8", 1), ("9", 2)):
        (tmp_path / pid / "ns").mkdir(parents=True)
        (tmp_path / pid / "ns" / "user").symlink_to(f"user:[{user}]")
        (tmp_path / pid / "ns" / "pid").symlink_to("pid:[1]")
    reader = NamespaceReader(str(tmp_path))
    assert reader.are_hosts(8) is True
    assert reader.are_hosts(9) is False

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from watchdog_oom.host import syscalls
from watchdog_oom.host.purge.in_use import Look, read_in_use
from watchdog_oom.host.purge.open_files import Place
from watchdog_oom.host.purge.threads import apart

_SYSCALL_EXIT = {"x86_64": 60, "aarch64": 93}
_HOLDER = """
import ctypes, mmap, os, sys, threading, time
how, parted, ends, path = sys.argv[1:]
libc, held = ctypes.CDLL(None), threading.Event()
def hold():
    if parted == "parted":
        assert libc.unshare(0x400 | 0x200) == 0
    if how == "stands":
        os.chdir(path)
    else:
        fd = os.open(path, os.O_RDONLY)
    if how == "mapped":
        kept = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
        os.close(fd)
    held.set()
    time.sleep(60)
threading.Thread(target=hold).start()
held.wait()
print("held", flush=True)
if ends != "stays":
    libc.syscall(int(ends), 0)
threading.Event().wait()
"""


@pytest.mark.parametrize("leader", ["stays", "ends"])
@pytest.mark.parametrize("parted", ["parted", "sharing"])
@pytest.mark.parametrize("how", ["open", "stands", "mapped"])
def test_what_any_thread_uses_is_in_use_though_the_first_shares_nothing_or_has_ended(
        how: str, parted: str, leader: str, tmp_path: Path) -> None:
    number = _SYSCALL_EXIT.get(os.uname().machine)
    if number is None:
        pytest.skip("the number of exit(2) is not known here")
    used = tmp_path / "used"
    if how == "stands":
        used.mkdir()
    else:
        used.write_bytes(b"content")
    ends = str(number) if leader == "ends" else "stays"
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, how, parted, ends, used], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        device = tmp_path.stat().st_dev
        while leader == "ends" and b") Z" not in Path(f"/proc/{holder.pid}/stat").read_bytes():
            assert holder.poll() is None
        assert used.stat().st_ino in read_in_use(Look("/proc", Place(device, device))).inodes
    finally:
        holder.kill()
        holder.wait()
        if holder.stdout is not None:
            holder.stdout.close()


def test_threads_that_share_everything_are_looked_at_once() -> None:
    many = """
import threading, time
for _ in range(20):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print("run", flush=True)
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", many], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        if not syscalls.share_files(process.pid, process.pid):
            pytest.skip("this kernel cannot compare the files of two threads")
        assert len(os.listdir(f"/proc/{process.pid}/task")) == 21
        assert list(apart("/proc", process.pid)) == [f"/proc/{process.pid}"]
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_where_the_kernel_cannot_compare_every_thread_is_looked_at(tmp_path: Path) -> None:
    beyond = 1 << 30  # no pid is that large, so kcmp(2) finds nobody
    for thread in (beyond, beyond + 1, beyond + 2):
        (tmp_path / str(beyond) / "task" / str(thread)).mkdir(parents=True)
    assert sorted(apart(str(tmp_path), beyond)) == [
        f"{tmp_path}/{beyond}", f"{tmp_path}/{beyond}/task/{beyond + 1}", f"{tmp_path}/{beyond}/task/{beyond + 2}"]

"""What processes share, read by a child of real pools; and what is known when it cannot be read, or not in time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from watchdog_oom.core.held_memory import Together, together
from watchdog_oom.core.memory import Sharing
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.host.processes import sharing
from watchdog_oom.host.processes.procfs import read_stat
from watchdog_oom.host.processes.sharing import SharingReader

MIB = 1 << 20
SHARED, OWN, WORKERS = 48, 2, 5

_POOL = """
import mmap, os, sys, time
size = int(sys.argv[2]) << 20
block = mmap.mmap(-1, size) if sys.argv[1] == "mapped" else bytearray(size)
for at in range(0, size, 4096): block[at] = 1
pids = []
for _ in range(int(sys.argv[4])):
    there, here = os.pipe()
    pid = os.fork()
    if pid == 0:
        own = bytearray(b"x") * (int(sys.argv[3]) << 20)
        assert sum(block[at] for at in range(0, size, 4096)) == size // 4096
        os.write(here, b".")
        time.sleep(60)
        os._exit(0)
    os.read(there, 1)
    pids.append(pid)
print(*pids, flush=True)
sys.stdin.read()
for pid in pids: os.kill(pid, 9)
"""


@pytest.fixture
def reader() -> Iterator[Callable[[str], SharingReader]]:
    made: list[SharingReader] = []

    def make(root: str) -> SharingReader:
        made.append(SharingReader(root, deadline_seconds=0.3))
        return made[-1]
    yield make
    for one in made:
        one.close()


def answered(shares: SharingReader, groups: dict[str, list[ProcessId]]) -> dict[ProcessId, Sharing]:
    """What is known once nothing is awaited any more."""
    until = time.monotonic() + 20
    while True:
        found = shares.look(groups)
        if not any(known.awaited for known in found.values()):
            return found
        assert time.monotonic() < until
        time.sleep(0.01)


def living(pid: int) -> Process:
    process = read_stat("/proc", pid)
    assert process is not None
    return process


def held(shares: SharingReader, processes: list[Process]) -> Together:
    found = answered(shares, {"pool": [process.id for process in processes]})
    return together([replace(process, sharing=found[process.id]) for process in processes], 0.0)


@pytest.mark.parametrize("kind", ["mapped", "forked"])
def test_a_real_pool_holds_what_it_shares_once(kind: str, reader: Callable[[str], SharingReader]) -> None:
    with subprocess.Popen([sys.executable, "-c", _POOL, kind, str(SHARED), str(OWN), str(WORKERS)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as master:
        assert master.stdout is not None
        processes = [living(pid) for pid in (master.pid, *map(int, master.stdout.readline().split()))]
        shares = reader("/proc")
        all_of_them = held(shares, processes)
        master.communicate("")
    assert sum(process.rss_bytes for process in processes) > (WORKERS + 1) * SHARED * MIB
    assert all_of_them.how == "shared pages counted once"
    assert SHARED * MIB <= all_of_them.bytes < (SHARED + WORKERS * (OWN + 6) + 20) * MIB


def fake(root: Path, pid: int, *, pss_kib: int | None, anonymous_kib: int = 2048) -> ProcessId:
    """A process below a made-up /proc; without ``pss_kib`` nobody may read its share."""
    folder = root / str(pid)
    folder.mkdir()
    (folder / "stat").write_text(f"{pid} (pool) S 1 1 1 0 -1 0 {'0 ' * 10}1 0 {1000 + pid} 4096 10 0 1 1 1 0 0\n")
    (folder / "status").write_text(f"Name:\tpool\nRssAnon:\t{anonymous_kib} kB\n")
    if pss_kib is not None:
        (folder / "smaps_rollup").write_text(f"0-1 ---p [rollup]\nRss: 9 kB\nPss: {pss_kib} kB\n")
    return ProcessId(pid, 1000 + pid)


def test_only_what_is_asked_for_is_read_and_what_nobody_asks_for_any_more_is_forgotten(
        tmp_path: Path, reader: Callable[[str], SharingReader]) -> None:
    one, other = fake(tmp_path, 7, pss_kib=100), fake(tmp_path, 8, pss_kib=50)
    shares = reader(str(tmp_path))
    assert shares.look({}) == {} and not shares.busy
    assert shares.look({"pool": [one]}) == {one: Sharing(awaited=True)}
    assert answered(shares, {"pool": [one]}) == {one: Sharing(100 * 1024)}
    assert shares.look({}) == {}
    assert shares.look({"pool": [one, other]})[one] == Sharing(awaited=True), "asked anew"


def test_where_a_share_may_not_be_read_anonymous_memory_of_the_whole_group_stands_in(
        tmp_path: Path, reader: Callable[[str], SharingReader]) -> None:
    group = [fake(tmp_path, 7, pss_kib=100), fake(tmp_path, 8, pss_kib=None)]
    assert answered(reader(str(tmp_path)), {"pool": group}) == {
        group[0]: Sharing(100 * 1024, 2048 * 1024), group[1]: Sharing(None, 2048 * 1024)}


def test_one_that_has_vanished_or_whose_pid_is_another_process_is_not_known_and_not_awaited(
        tmp_path: Path, reader: Callable[[str], SharingReader]) -> None:
    one, gone = fake(tmp_path, 7, pss_kib=100), ProcessId(9, 1)
    reused = ProcessId(fake(tmp_path, 8, pss_kib=70).pid, 5)
    found = answered(reader(str(tmp_path)), {"pool": [one, gone, reused]})
    assert found[one].pss_bytes == 100 * 1024
    assert found[gone] == Sharing() and found[reused].pss_bytes is None


def test_one_that_hangs_is_not_waited_for_and_delays_no_other_noun(
        tmp_path: Path, reader: Callable[[str], SharingReader]) -> None:
    stuck = fake(tmp_path, 6, pss_kib=None)
    os.mkfifo(tmp_path / "6/smaps_rollup")
    later, other = fake(tmp_path, 7, pss_kib=100), fake(tmp_path, 8, pss_kib=50)
    shares = reader(str(tmp_path))
    groups = {"stuck": [stuck, later], "pool": [other]}
    found = answered(shares, groups)
    assert found[other] == Sharing(50 * 1024)
    assert found[stuck] == Sharing(None, 2048 * 1024)
    new = fake(tmp_path, 9, pss_kib=10)
    assert shares.look({"stuck": [stuck, later, new], "pool": [other]})[new] == Sharing(None, 2048 * 1024)


def test_those_that_come_later_do_not_prolong_the_wait(tmp_path: Path, reader: Callable[[str], SharingReader]) -> None:
    group = [fake(tmp_path, pid, pss_kib=None) for pid in range(10, 13)]
    for process in group:
        os.mkfifo(tmp_path / f"{process.pid}/smaps_rollup")
    shares = SharingReader(str(tmp_path), deadline_seconds=30.0)
    try:
        shares.look({"pool": group[:2]})
        until = time.monotonic() + sharing.WAIT_SECONDS + 10
        began = time.monotonic()
        while shares.look({"pool": group[:2]})[group[0]].awaited:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert time.monotonic() - began >= sharing.WAIT_SECONDS - 0.5
        assert shares.look({"pool": group})[group[2]] == Sharing(None, 2048 * 1024)
    finally:
        shares.close()

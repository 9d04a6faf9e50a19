"""Single processes: psutil as the oracle on this host, real children in odd states, and hostile stat lines."""

import ctypes
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.host.processes.may_hang import read_cmdline, read_pss_bytes
from watchdog_oom.host.processes.open_files import open_paths
from watchdog_oom.host.processes.procfs import (
    PAGE_BYTES,
    TICKS_PER_SECOND,
    lineage,
    parse_stat,
    parse_swap_bytes,
    parse_uid,
    pids_among,
    read_exe,
    read_oom_score,
    read_oom_score_adj,
    read_stat,
    read_swap_bytes,
    read_uid,
)

_SYSCALL_EXIT = {"x86_64": 60, "aarch64": 93}
_NOBODY = 65534


def _stat(pid: int = 42, comm: bytes = b"sleep", state: str = "S", **changes: int) -> bytes:
    names = ("ppid", "pgrp", "session", "tty", "tpgid", "flags", "minflt", "cminflt", "majflt", "cmajflt", "utime",
             "stime", "cutime", "cstime", "priority", "nice", "threads", "itreal", "start", "vsize", "rss", "rsslim",
             "startcode", "endcode", "startstack", "esp", "eip")
    values = dict.fromkeys(names, 0) | {"ppid": 1, "threads": 1, "start": 5000, "vsize": 4096, "rss": 10} | changes
    return b"%d (%b) %s %s\n" % (pid, comm, state.encode(), " ".join(str(values[name]) for name in names).encode())


def _until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts children whose stdin and stdout are pipes, and ends them."""
    children: list[subprocess.Popen[bytes]] = []

    def run(*argv: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        children.append(child)
        return child

    yield run
    for child in children:
        child.kill()
        child.communicate()


def test_every_field_has_its_place() -> None:
    content = _stat(7, b"x", "R", ppid=3, session=4, tty=34816, threads=5, start=250, rss=6)
    process = parse_stat(7, content)
    assert process == Process(ProcessId(7, 250), 3, "x", "R", 4, 34816, 5, 6 * PAGE_BYTES, 250 / TICKS_PER_SECOND,
                              process.image)
    assert process.image != 0
    assert parse_stat(7, _stat(7, flags=0x00200040)).kernel_thread


@pytest.mark.parametrize("comm", [b"a) Z 1 (", b"", b")", b"(", b") R 1 1 1 (x", b"\n", b"a b c", b"\xff\xfe",
                                  b"1 (x) S 1 1 1"])
def test_no_name_can_shift_the_fields(comm: bytes) -> None:
    process = parse_stat(42, _stat(42, comm))
    assert (process.comm, process.ppid, process.state) == (comm.decode("utf-8", "surrogateescape"), 1, "S")


@given(st.binary(max_size=15))
def test_any_name_survives(comm: bytes) -> None:
    process = parse_stat(42, _stat(42, comm))
    assert process.comm.encode("utf-8", "surrogateescape") == comm
    assert process.id == ProcessId(42, 5000)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"42 (x) " + tail)
       | st.lists(st.sampled_from([b"1", b"-1", b"9" * 400, b"1_0", b"x", b"", b"1.5"]), min_size=20, max_size=40)
       .map(lambda fields: b"42 (x) S " + b" ".join(fields)))
def test_arbitrary_bytes_are_a_process_or_a_value_error(content: bytes) -> None:
    with suppress(ValueError):
        parse_stat(42, content)


def test_a_start_time_beyond_all_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="cut short"):
        parse_stat(42, _stat(42, start=10 ** 400))


def test_a_line_about_another_pid_is_refused() -> None:
    with pytest.raises(ValueError, match="damaged"):
        parse_stat(4, _stat(42))
    with pytest.raises(ValueError, match="cut short"):
        parse_stat(42, _stat(42)[:60])


def test_the_image_changes_with_code_stack_and_name_and_is_zero_without_an_address_space() -> None:
    contents = (_stat(42), _stat(42, b"other"), _stat(42, startcode=1), _stat(42, endcode=1), _stat(42, startstack=1))
    assert len({parse_stat(42, content).image for content in contents}) == 5
    assert parse_stat(42, _stat(42, utime=7, rss=99)).image == parse_stat(42, _stat(42)).image
    assert parse_stat(42, _stat(42, state="Z", vsize=0)).image == 0


def test_psutil_agrees_about_the_processes_of_this_host() -> None:
    compared = 0
    for pid in sorted(pids_among(os.listdir("/proc"))):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            oracle = psutil.Process(pid)
            with oracle.oneshot():
                process = read_stat("/proc", pid)
                if process is None or process.dead:
                    continue
                assert abs(oracle.create_time() - psutil.boot_time() - process.started_boottime) < 2
                assert process.ppid == oracle.ppid()
                assert oracle.name().startswith(process.comm[:15])
                assert process.threads == pytest.approx(oracle.num_threads(), abs=2)
                assert process.rss_bytes == pytest.approx(oracle.memory_info().rss, rel=0.2, abs=4 << 20)
                assert read_uid("/proc", pid) == oracle.uids().effective
                compared += 1
    assert compared > 3


def test_psutil_agrees_about_the_facts_of_a_child(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    child = start("sleep", "60")
    _until(lambda: read_cmdline("/proc", child.pid) == "sleep 60")
    oracle = psutil.Process(child.pid)
    assert read_exe("/proc", child.pid) == oracle.exe()
    assert read_cmdline("/proc", child.pid) == " ".join(oracle.cmdline())
    assert read_swap_bytes("/proc", child.pid) == oracle.memory_full_info().swap
    assert read_oom_score_adj("/proc", child.pid) == int(Path(f"/proc/{child.pid}/oom_score_adj").read_text())
    score = read_oom_score("/proc", child.pid)
    assert score is not None
    assert 0 <= score <= 2000


def test_a_process_that_is_gone_is_nothing_to_every_reader() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    for reader in (read_stat, read_exe, read_cmdline, read_uid, read_swap_bytes, read_oom_score,
                   read_oom_score_adj):
        assert reader("/proc", child.pid) is None
    assert list(open_paths("/proc", child.pid)) == []


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_a_user_may_not_look_at_is_nothing() -> None:
    pid = os.fork()
    if pid == 0:
        try:
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
            nothing = read_exe("/proc", 1) is None and list(open_paths("/proc", 1)) == []
            os._exit(0 if nothing and read_stat("/proc", 1) is not None else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_deleted_executable_keeps_its_path(tmp_path: Path, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    program = tmp_path / "sleepy"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    child = start(str(program), "60")
    _until(lambda: read_exe("/proc", child.pid) == str(program))
    program.unlink()
    assert os.readlink(f"/proc/{child.pid}/exe").endswith(" (deleted)")
    assert read_exe("/proc", child.pid) == str(program)


def test_exec_changes_the_image_and_nothing_of_the_identity(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    child = start("sh", "-c", "read line; exec sh -c 'read line'")
    _until(lambda: read_cmdline("/proc", child.pid) == "sh -c read line; exec sh -c 'read line'")
    before = read_stat("/proc", child.pid)
    assert child.stdin is not None
    os.write(child.stdin.fileno(), b"go\n")
    _until(lambda: read_cmdline("/proc", child.pid) == "sh -c read line")
    after = read_stat("/proc", child.pid)
    assert before is not None
    assert after is not None
    assert (after.id, after.comm) == (before.id, before.comm)
    assert after.image != before.image


def test_a_zombie_is_dead_and_a_zombie_leader_with_threads_is_not(
        start: Callable[..., subprocess.Popen[bytes]]) -> None:
    number = _SYSCALL_EXIT.get(os.uname().machine)
    if number is None:
        pytest.skip("the number of exit(2) is not known here")
    leader = start(sys.executable, "-c", "import ctypes, threading, time\n"
                   "threading.Thread(target=time.sleep, args=(60,)).start()\n"
                   f"ctypes.CDLL(None).syscall({number}, 0)")
    _until(lambda: (process := read_stat("/proc", leader.pid)) is not None and process.state == "Z")
    process = read_stat("/proc", leader.pid)
    assert process is not None
    assert os.path.samefile(read_exe("/proc", leader.pid) or "", sys.executable)
    assert (read_cmdline("/proc", leader.pid) or "").startswith(f"{sys.executable} -c import ctypes")
    assert read_swap_bytes("/proc", leader.pid) is not None
    assert (read_pss_bytes("/proc", leader.pid) or 0) > 1 << 20
    assert list(open_paths("/proc", leader.pid))
    assert (process.threads, process.dead, process.image != 0) == (2, False, True)
    assert process.rss_bytes > 1 << 20
    zombie = start("true")
    _until(lambda: (process := read_stat("/proc", zombie.pid)) is not None and process.dead)
    assert read_exe("/proc", zombie.pid) is None
    assert read_swap_bytes("/proc", zombie.pid) is None


def test_a_name_set_at_run_time_is_read_as_it_is() -> None:
    libc = ctypes.CDLL(None)
    before = Path("/proc/self/comm").read_bytes().rstrip(b"\n")
    try:
        libc.prctl(15, b"a) Z 1 (\xff", 0, 0, 0)
        process = read_stat("/proc", os.getpid())
    finally:
        libc.prctl(15, before, 0, 0, 0)
    assert process is not None
    assert (process.comm, process.ppid) == ("a) Z 1 (\udcff", os.getppid())


def test_a_command_line_is_cut_joined_and_never_undecodable(tmp_path: Path) -> None:
    (tmp_path / "9").mkdir()
    path = tmp_path / "9/cmdline"
    for content, expected in ((b"a\0b c\0\0\0", "a b c"), (b"", ""), (b"\xff\0", "\udcff"), (b"x" * 9000, "x" * 9000),
                              (b"y" * 200_000, "y" * (128 << 10))):
        path.write_bytes(content)
        assert read_cmdline(str(tmp_path), 9) == expected


def test_the_user_is_the_effective_one_and_no_name_can_forge_it() -> None:
    status = b"Name:\tUid:\\n\nUmask:\t0022\nUid:\t1000\t33\t0\t0\nVmSwap:\t     12 kB\nThreads:\t1\n"
    assert parse_uid(status) == 33
    assert parse_swap_bytes(status) == 12 * 1024
    assert parse_uid(b"Name:\tx\n") is None
    assert parse_swap_bytes(b"Name:\tx\nVmSwap:\n") is None


def test_open_files_and_directories_are_named_odd_bytes_included(
        tmp_path: Path, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    odd = os.fsencode(tmp_path) + b"/mail-\xff"
    with open(odd, "wb") as file:
        child = subprocess.Popen(["sleep", "60"], cwd=tmp_path, stdout=file)
    try:
        os.unlink(odd)
        paths = list(open_paths("/proc", child.pid))
        assert paths[:2] == [str(tmp_path), "/"]
        assert os.fsdecode(odd) + " (deleted)" in paths
        assert list(open_paths("/proc", child.pid, most_descriptors=0)) == paths[:2]
    finally:
        child.kill()
        child.wait()


def test_lineage_is_own_pid_and_all_ancestors() -> None:
    expected = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = {identity.pid for identity in lineage("/proc", os.getpid())}
    assert found >= expected
    assert 1 in found


def test_lineage_ends_where_the_tree_is_broken_or_runs_in_a_circle(tmp_path: Path) -> None:
    for pid, content in ((5, _stat(5, ppid=6)), (6, _stat(6, ppid=5)), (7, _stat(7, ppid=8)), (8, b"garbage")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_bytes(content)
    assert {identity.pid for identity in lineage(str(tmp_path), 5)} == {5, 6}
    assert {identity.pid for identity in lineage(str(tmp_path), 7)} == {7}
    assert lineage(str(tmp_path), 99) == frozenset()

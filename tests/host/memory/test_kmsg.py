"""The kernel's OOM lines from 2.6 to today, forged ones, bursts, and one real kill."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.model import KernelKill, Process, ProcessId
from watchdog_oom.host.memory.kmsg import KillLog, KmsgReader, OomLine, parse_oom_line, parse_record

_SUMMARY = ("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
            "task_memcg=/user.slice/user-0.slice/session-1.scope,task=hog,pid=15112,uid=0")
_MEMCG = "/user.slice/user-0.slice/session-1.scope"
_KILLED = ("Out of memory: Killed process 15112 (hog) total-vm:3145732kB, anon-rss:2995140kB, file-rss:0kB, "
           "shmem-rss:0kB, UID:0 pgtables:5912kB oom_score_adj:0")


@pytest.mark.parametrize(("text", "line"), [
    (_SUMMARY, OomLine(15112, "hog", False, True, 0, _MEMCG)),
    (_SUMMARY.replace("CONSTRAINT_NONE", "CONSTRAINT_MEMCG"), OomLine(15112, "hog", True, True, 0, _MEMCG)),
    (_SUMMARY.replace("uid=0", "uid=1001"), OomLine(15112, "hog", False, True, 1001, _MEMCG)),
    (_KILLED, OomLine(15112, "hog", False)),
    ("Memory cgroup out of memory: Killed process 123 (x) total-vm:12kB, anon-rss:1kB", OomLine(123, "x", True)),
    ("Out of memory (oom_kill_allocating_task): Killed process 9 (x) total-vm:1kB, a", OomLine(9, "x", False)),
    ("Out of memory: Kill process 22073 (mysqld) score 21 or sacrifice child", OomLine(22073, "mysqld", False, False)),
    ("Memory cgroup out of memory: Kill process 7 (a b) score 999 or sacrifice child", OomLine(7, "a b", True, False)),
    ("Killed process 22073 (mysqld) total-vm:412312kB, anon-rss:1kB, file-rss:0kB", OomLine(22073, "mysqld", False)),
    ("Killed process 2603 (java), UID 1000, total-vm:3443212kB, anon-rss:1kB", OomLine(2603, "java", False)),
    ("Killed process 2603, UID 500, (java) total-vm:3443212kB, anon-rss:1kB", OomLine(2603, "java", False)),
    ("Killed process 2603 (java) vsz:3443212kB, anon-rss:1kB, file-rss:0kB", OomLine(2603, "java", False)),
    ("Killed process 2603 (java)", OomLine(2603, "java", False)),
    ("Out of memory: kill process 41 (httpd) score 8 or a child", OomLine(41, "httpd", False, False)),
    ("Out of Memory: Kill process 41 (httpd) score 8 and children.", OomLine(41, "httpd", False, False)),
    ("Out of Memory: Killed process 22073 (mysqld).", OomLine(22073, "mysqld", False)),
])
def test_every_generation_of_the_kernel_is_understood(text: str, line: OomLine) -> None:
    assert parse_oom_line(text) == line


@pytest.mark.parametrize("text", [
    "", "oom-killer: gfp_mask=0x1d2", "hog invoked oom-killer: gfp_mask=0xcc0, order=0, oom_score_adj=0",
    "oom_reaper: reaped process 15112 (hog), now anon-rss:0kB", "Out of memory and no killable processes...",
    f"Killed process 1 (x[17]: segfault at 0 {_KILLED}", f"note: {_KILLED}", f"x\n{_KILLED}",
    "Tasks in /a are going to be killed due to memory.oom.group set", "Killed process x (y)"])
def test_other_lines_and_lines_that_quote_a_kill_are_left_alone(text: str) -> None:
    assert parse_oom_line(text) is None


@pytest.mark.parametrize("comm", ["a) Z 1 (", ") total-vm:1kB, ", "x).", "a,pid=1,uid=0", "(((", "", "\n", "a (1)",
                                  "b,task=c,pid=1", "\udcff\udcfe", "UID:0 (x) total"])
def test_no_name_can_point_at_another_process(comm: str) -> None:
    comm = comm[:15]
    summary = parse_oom_line(_SUMMARY.replace("task=hog", f"task={comm}"))
    killed = parse_oom_line(_KILLED.replace("(hog)", f"({comm})"))
    oldest = parse_oom_line(f"Out of Memory: Killed process 15112 ({comm}).")
    assert killed == oldest == OomLine(15112, comm, False)
    assert summary is not None and summary.memcg == ("" if ",task=" in comm else _MEMCG)
    assert summary is not None
    assert summary.pid == 15112


def test_no_name_of_a_control_group_can_point_at_another_process() -> None:
    line = parse_oom_line(_SUMMARY.replace("session-1.scope", "a,task=sshd,pid=1,uid=0"))
    assert line == OomLine(15112, "hog", False, True, 0, "")


@given(st.text(max_size=200) | st.lists(st.sampled_from(_KILLED.split(" ") + _SUMMARY.split(","))).map(" ".join))
def test_any_text_is_a_line_or_nothing(text: str) -> None:
    line = parse_oom_line(text)
    assert line is None or line.pid >= 0


def test_a_record_of_the_kernel_is_unescaped_and_cut_off_its_fields() -> None:
    record = b"3,429,5140900,-,caller=T1;Killed process 5 (a\\x0ab\\xff\\x5c)\n SUBSYSTEM=x\n"
    assert parse_record(record) == "Killed process 5 (a\nb\udcff\\)"


@pytest.mark.parametrize("prefix", [b"11,1,1,-", b"30,1,1,-", b"8,1,1,-", b"-3,1,1,-", b"x,1,1,-", b"", b"3" * 500])
def test_a_record_that_the_kernel_did_not_write_is_ignored(prefix: bytes) -> None:
    assert parse_record(prefix + b";" + _KILLED.encode()) is None


@given(st.binary(max_size=300))
def test_any_record_is_text_or_nothing(record: bytes) -> None:
    parse_record(record)


def test_two_lines_about_one_kill_are_one_kill_with_the_clearer_words() -> None:
    kills = KillLog().kills([_SUMMARY, _KILLED], 50.0)
    assert kills == (KernelKill(15112, "hog", _KILLED, 50.0, uid=0, memcg=_MEMCG, unit="session-1.scope"),)


def test_the_second_line_may_come_with_the_next_reading() -> None:
    log = KillLog()
    assert len(log.kills([_SUMMARY], 50.0)) == 1
    assert log.kills([_KILLED], 51.0) == ()


def test_the_same_pid_a_long_time_later_is_another_kill() -> None:
    log = KillLog()
    assert len(log.kills([_KILLED], 50.0)) == 1
    assert len(log.kills([_KILLED], 100.0)) == 1


def test_a_choice_alone_is_no_kill_and_a_sacrificed_child_is_the_victim() -> None:
    chosen = "Memory cgroup out of memory: Kill process 7 (parent) score 999 or sacrifice child"
    killed = "Killed process 8 (child) total-vm:12kB, anon-rss:1kB, file-rss:0kB"
    log = KillLog()
    assert log.kills([chosen], 1.0) == ()
    assert log.kills([killed], 1.5) == (KernelKill(8, "child", killed, 1.5, cgroup=True),)


def test_a_control_groups_limit_is_told_by_either_line() -> None:
    summary = _SUMMARY.replace("CONSTRAINT_NONE", "CONSTRAINT_MEMCG")
    (kill,) = KillLog().kills([summary, _KILLED], 1.0)
    assert kill.cgroup


def test_the_night_of_2007_had_four_victims() -> None:
    lines = ["oom-killer: gfp_mask=0x1d2", "Mem-info:", "Free swap:            0kB",
             "Out of Memory: Killed process 22073 (mysqld).", "Out of Memory: Killed process 23485 (httpd).",
             "Out of Memory: Killed process 23471 (httpd).", "Out of Memory: Killed process 23726 (smtp)."]
    kills = KillLog().kills(lines, 1.0)
    assert [(kill.pid, kill.comm) for kill in kills] == [
        (22073, "mysqld"), (23485, "httpd"), (23471, "httpd"), (23726, "smtp")]


@pytest.fixture
def records() -> Iterator[int]:
    """The writing end of a pipe in packet mode, whose reading keeps records apart as /dev/kmsg does."""
    reading, writing = os.pipe2(os.O_DIRECT | os.O_NONBLOCK)
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 1 << 20)
    yield writing
    os.close(reading)
    os.close(writing)


def test_records_become_kills_with_the_victim_as_it_was_last_seen(records: int) -> None:
    reader = KmsgReader(f"/proc/self/fd/{records}", start_at_end=False)
    victim = Process(ProcessId(15112, 7), 1, "hog")
    assert reader.read(1.0) == ()
    os.write(records, b"6,1,1,-;" + _SUMMARY.encode() + b"\n")
    os.write(records, b"11,2,1,-;" + _KILLED.replace("15112", "1").encode() + b"\n")
    os.write(records, b"3,2,1,-;" + _KILLED.encode() + b"\n")
    told = KernelKill(15112, "hog", _KILLED, 2.0, victim=victim, uid=0, memcg=_MEMCG, unit="session-1.scope")
    assert reader.read(2.0, {15112: victim}.get) == (told,)
    reader.close()


def test_a_burst_is_read_in_bounded_pieces_and_nothing_of_it_is_lost(records: int) -> None:
    reader = KmsgReader(f"/proc/self/fd/{records}", start_at_end=False)
    for pid in range(100, 300):
        os.write(records, b"3,1,1,-;Killed process %d (x) total-vm:1kB, anon-rss:0kB\n" % pid)
    first = reader.read(1.0, limit_records=150)
    assert [kill.pid for kill in first] == list(range(100, 250))
    assert [kill.pid for kill in reader.read(2.0)] == list(range(250, 300))
    reader.close()


def test_a_log_that_cannot_be_read_is_told_in_words_and_is_silent(tmp_path: Path) -> None:
    reader = KmsgReader(str(tmp_path / "kmsg"))
    assert reader.read(1.0) == ()
    assert "No such file or directory" in reader.problem
    assert "/proc/vmstat" in reader.problem
    assert reader.fileno() == -1
    directory = KmsgReader(str(tmp_path))
    assert directory.read(1.0) == ()
    assert "cannot be read" in directory.problem


def _readable(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    except OSError:
        return False
    return True


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.skipif(not _readable("/dev/kmsg"), reason="no /dev/kmsg")
def test_what_a_user_writes_into_the_kernels_log_is_no_kill() -> None:
    reader = KmsgReader()
    plain = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    os.lseek(plain, 0, os.SEEK_END)
    with open("/dev/kmsg", "wb", buffering=0) as log:
        log.write(b"<3>Out of memory: Killed process 1 (forged) total-vm:1kB, anon-rss:0kB\n")
    try:
        assert b"(forged)" in os.read(plain, 8192)  # it did arrive
        assert reader.read(1.0) == ()
        assert reader.problem == ""
    finally:
        os.close(plain)
        reader.close()


@pytest.fixture
def small_cgroup() -> Iterator[Path]:
    """A control group of 16 MiB: version 1 or 2, whichever this host has."""
    for root, limit in ((Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
                        (Path("/sys/fs/cgroup"), "memory.max")):
        group = root / f"watchdog-oom-test-{os.getpid()}"
        with suppress(OSError):
            group.mkdir()
            try:
                (group / limit).write_text(str(16 << 20))
            except OSError:
                group.rmdir()
                continue
            yield group
            _remove(group)
            return
    pytest.skip("no memory control group can be made here")


def _remove(group: Path) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.01)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.skipif(not _readable("/dev/kmsg"), reason="no /dev/kmsg")
def test_a_real_kill_by_the_kernel_is_told_once(small_cgroup: Path) -> None:
    reader = KmsgReader()
    pid = os.fork()
    if pid == 0:
        try:
            (small_cgroup / "cgroup.procs").write_text(str(os.getpid()))
            hoard = [bytes([1]) * (1 << 20) for _ in range(64)]
            os._exit(len(hoard) % 2)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status):
        pytest.skip("this host swaps instead of killing")
    kills: list[KernelKill] = []
    deadline = time.monotonic() + 5
    while not kills and time.monotonic() < deadline:
        kills.extend(reader.read(time.monotonic()))
        time.sleep(0.01)
    kills.extend(reader.read(time.monotonic()))
    reader.close()
    assert [(kill.pid, kill.cgroup) for kill in kills if kill.pid == pid] == [(pid, True)]


def test_a_control_group_whose_name_could_begin_twice_is_not_told() -> None:
    forged = "/user.slice/a,task_memcg=/system.slice/mariadb.service"
    line = parse_oom_line(_SUMMARY.replace(_MEMCG, forged))
    assert line is not None and line.memcg == ""


def test_the_kill_has_the_unit_and_the_owner_that_its_first_line_told() -> None:
    summary = _SUMMARY.replace(_MEMCG, "/system.slice/mariadb.service/x").replace("uid=0", "uid=106")
    [kill] = KillLog().kills([summary, _KILLED], 1.0)
    assert (kill.unit, kill.uid, kill.memcg) == ("mariadb.service", 106, "/system.slice/mariadb.service/x")

"""The process table: real children that change, and made-up hosts whose every reading can be watched."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import at_most
from watchdog_oom.core.glob import glob_pattern
from watchdog_oom.core.matching import may_match, own_keys_match
from watchdog_oom.core.model import NO_FACTS, Process
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.host.processes.demand import UNIT_OF_EVERYBODY, ScanDemand
from watchdog_oom.host.processes.may_hang import read_cmdline
from watchdog_oom.host.processes.procfs import parse_stat, read_stat
from watchdog_oom.host.processes.table import ProcessTable
from watchdog_oom.lean_dataclasses import replace

_SYSCALL_EXIT = {"x86_64": 60, "aarch64": 93}
_PF_KTHREAD = 0x00200000  # include/linux/sched.h
_OLD = 10_000.0  # a moment at which every made-up process is settled


class Host:
    """A made-up /proc."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, pid: int, comm: str = "idle", *, state: str = "S", ppid: int = 1, start: int = 100,
            rss: int = 10, code: int = 1, flags: int = 0) -> None:
        folder = self.root / str(pid)
        folder.mkdir(exist_ok=True)
        vsize = 0 if state == "Z" else 4096
        fields = [ppid, 0, 0, 0, 0, flags, *[0] * 10, 1, 0, start, vsize, rss, 0, code, code, code, 0, 0]
        (folder / "stat").write_text(f"{pid} ({comm}) {state} {' '.join(map(str, fields))}\n")

    def link(self, pid: int, exe: str) -> None:
        (self.root / str(pid) / "exe").unlink(missing_ok=True)
        (self.root / str(pid) / "exe").symlink_to(exe)

    def end(self, pid: int) -> None:
        shutil.rmtree(self.root / str(pid))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    children: list[subprocess.Popen[bytes]] = []

    def run(*argv: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        children.append(child)
        return child

    yield run
    for child in children:
        child.kill()
        child.communicate()


def test_a_process_whose_parent_was_seen_to_end_says_so_for_its_life_and_its_successor_does_not(host: Host) -> None:
    table, demand = ProcessTable(str(host.root)), ScanDemand()
    for pid in (70, 71):
        host.put(pid, ppid=50)
    assert not any(process.reparented for process in table.scan(demand, _OLD).values())
    host.put(71, ppid=60)
    for seconds in (10.0, 20.0):
        shown = table.scan(demand, _OLD + seconds)
        assert (shown[70].reparented, shown[71].reparented) == (False, True)
    host.put(71, ppid=1, start=200)
    assert not table.scan(demand, _OLD + 40.0)[71].reparented


def _until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _tell(child: subprocess.Popen[bytes], text: bytes) -> None:
    assert child.stdin is not None
    os.write(child.stdin.fileno(), text)


def _settled(table: ProcessTable, demand: ScanDemand, boottime: float) -> Mapping[int, Process]:
    """What a scan shows when all answers have come."""
    def settled() -> bool:
        table.facts.wait(0.05)
        table.scan(demand, boottime)
        return not table.facts.pending

    table.scan(demand, boottime)
    _until(settled)
    return table.scan(demand, boottime)


def _noun(name: str = "noun", *, exe: str = "", comm: str = "", unit: str = "") -> ProcessNoun:
    return ProcessNoun(name, exe=(glob_pattern(exe, path=True),) if exe else (),
                       comm=(glob_pattern(comm),) if comm else (), unit=(glob_pattern(unit),) if unit else ())


def test_the_table_shows_the_processes_of_this_host() -> None:
    before = set(psutil.pids())
    table = ProcessTable()
    shown = table.scan(ScanDemand(), _boottime())
    after = set(psutil.pids())
    assert before & after <= shown.keys() <= before | after | shown.keys()
    assert shown[os.getpid()].ppid == os.getppid()
    assert table.skipped == {}


def test_the_new_appear_at_once_and_the_gone_vanish_at_once(host: Host) -> None:
    table = ProcessTable(str(host.root))
    host.put(5)
    assert table.scan(ScanDemand(), _OLD).keys() == {5}
    host.put(6)
    host.end(5)
    assert table.scan(ScanDemand(), _OLD + 1).keys() == {6}


def test_an_earlier_scan_does_not_change_afterwards(host: Host) -> None:
    table = ProcessTable(str(host.root))
    host.put(5)
    first = table.scan(ScanDemand(), _OLD)
    host.end(5)
    table.scan(ScanDemand(), _OLD + 1)
    assert first.keys() == {5}


def test_the_uninteresting_are_read_in_rotation_each_within_ten_seconds(host: Host) -> None:
    table = ProcessTable(str(host.root))
    pids = range(100, 200)
    for pid in pids:
        host.put(pid)
    table.scan(ScanDemand(), _OLD)
    for pid in pids:
        host.put(pid, rss=20)
    fresh, steps = 0, []
    for tick in range(1, 11):
        shown = table.scan(ScanDemand(), _OLD + tick)
        now = sum(shown[pid].rss_bytes == 20 * os.sysconf("SC_PAGE_SIZE") for pid in pids)
        steps.append(now - fresh)
        fresh = now
    assert fresh == 100
    assert max(steps) <= 12


def test_those_that_a_noun_may_match_are_read_at_every_scan(host: Host) -> None:
    table = ProcessTable(str(host.root))
    for pid in range(100, 120):
        host.put(pid)
    host.put(50, "clamscan")
    demand = ScanDemand(nouns=(_noun(comm="clamscan"),))
    table.scan(demand, _OLD)
    for rss in range(20, 25):
        host.put(50, "clamscan", rss=rss)
        assert table.scan(demand, _OLD + rss / 10)[50].rss_bytes == rss * os.sysconf("SC_PAGE_SIZE")


def test_another_policy_judges_all_processes_anew(host: Host) -> None:
    table = ProcessTable(str(host.root))
    host.put(50)
    host.link(50, "/usr/bin/clamscan (deleted)")
    table.scan(ScanDemand(), _OLD)
    shown = table.scan(ScanDemand(nouns=(_noun(exe="/usr/bin/clamscan"),)), _OLD + 1)
    assert shown[50].facts.exe == "/usr/bin/clamscan"


def test_a_recycled_pid_is_noticed_in_its_turn_and_inherits_nothing(host: Host) -> None:
    table = ProcessTable(str(host.root))
    demand = ScanDemand(nouns=(_noun(exe="/usr/bin/old"),))
    host.put(5, "first")
    host.link(5, "/usr/bin/old")
    before = table.scan(demand, _OLD)[5]
    assert before.facts.exe == "/usr/bin/old"
    host.put(5, "second", start=200)
    host.link(5, "/usr/bin/new")
    after = table.scan(demand, _OLD + 10)[5]
    assert (after.comm, after.facts.exe, after.id == before.id) == ("second", "/usr/bin/new", False)


def test_a_new_owner_of_a_pid_does_not_keep_facts_that_nobody_asks_of_it(host: Host) -> None:
    table = ProcessTable(str(host.root))
    demand = ScanDemand(nouns=(_noun(comm="first", exe="/usr/bin/*"),))
    host.put(5, "first")
    host.link(5, "/usr/bin/old")
    assert table.scan(demand, _OLD)[5].facts.exe == "/usr/bin/old"
    host.put(5, "second", start=200)
    assert table.scan(demand, _OLD + 1)[5].facts == NO_FACTS


def test_a_dead_victim_is_remembered_as_it_was_alive_for_a_minute(host: Host) -> None:
    table = ProcessTable(str(host.root))
    demand = ScanDemand(nouns=(_noun(exe="/usr/sbin/mysqld"),))
    host.put(5, "mysqld", rss=77)
    host.link(5, "/usr/sbin/mysqld")
    alive = table.scan(demand, _OLD)[5]
    host.put(5, "mysqld", state="Z", rss=0)
    (host.root / "5/exe").unlink()
    assert table.scan(demand, _OLD + 1)[5].dead
    assert table.last_seen(5) == alive
    host.end(5)
    table.scan(demand, _OLD + 2)
    assert table.last_seen(5) == alive
    table.scan(demand, _OLD + 61)
    assert table.last_seen(5) == alive
    table.scan(demand, _OLD + 63)
    assert table.last_seen(5) is None


def test_news_of_a_pid_mean_its_former_owner_while_the_new_one_is_young(host: Host) -> None:
    table = ProcessTable(str(host.root))
    ticks = os.sysconf("SC_CLK_TCK")
    host.put(5, "victim")
    table.scan(ScanDemand(), _OLD)
    host.put(5, "newcomer", start=int(_OLD + 10) * ticks)
    table.scan(ScanDemand(), _OLD + 11)
    seen = table.last_seen(5)
    assert seen is not None
    assert seen.comm == "victim"
    table.scan(ScanDemand(), _OLD + 30)
    seen = table.last_seen(5)
    assert seen is not None
    assert seen.comm == "newcomer"


def test_a_damaged_reading_is_skipped_counted_and_spoils_nothing(host: Host) -> None:
    table = ProcessTable(str(host.root))
    host.put(5)
    host.put(6)
    host.put(7)
    (host.root / "notes").mkdir()
    before = table.scan(ScanDemand(), _OLD)
    (host.root / "5/stat").write_bytes(b"5 (idle) S garbage")
    (host.root / "6/stat").unlink()
    (host.root / "6/stat").mkdir()
    host.put(8)
    after = table.scan(ScanDemand(), _OLD + 10)
    assert after.keys() == {5, 6, 7, 8}
    assert after[5] == before[5]
    assert table.skipped == {"process": 2}


def test_a_proc_that_cannot_be_listed_leaves_the_last_picture(host: Host) -> None:
    table = ProcessTable(str(host.root))
    host.put(5)
    before = table.scan(ScanDemand(), _OLD)
    host.root.rename(host.root.with_name("elsewhere"))
    assert table.scan(ScanDemand(), _OLD + 1) == before
    assert table.skipped == {"process list": 1}


def test_while_young_its_facts_are_read_again_and_then_no_more(host: Host) -> None:
    table = ProcessTable(str(host.root))
    demand = ScanDemand(nouns=(_noun(unit="a.service"), _noun("b", unit="b.service")))
    ticks = os.sysconf("SC_CLK_TCK")
    host.put(5, start=int(_OLD) * ticks)

    def move(unit: str) -> None:
        (host.root / "5/cgroup").write_text(f"0::/system.slice/{unit}\n")

    moves = ((0.5, "a.service", "a.service"), (4.0, "b.service", "b.service"), (7.0, "a.service", "a.service"),
             (8.0, "b.service", "a.service"))
    for age, unit, expected in moves:
        move(unit)
        assert table.scan(demand, _OLD + age)[5].facts.unit == expected


def test_where_units_may_be_contained_everybodys_is_read_once_and_nobody_leaves_the_rotation_for_it(
        host: Host) -> None:
    for pid in range(100, 120):
        host.put(pid)
        (host.root / f"{pid}/cgroup").write_text(f"0::/system.slice/u{pid}.service\n")
    assert {process.facts.unit for process in ProcessTable(str(host.root)).scan(ScanDemand(), _OLD).values()} == {None}
    table = ProcessTable(str(host.root))
    demand = ScanDemand(nouns=(UNIT_OF_EVERYBODY,))
    assert {pid: process.facts.unit for pid, process in table.scan(demand, _OLD).items()} == {
        pid: f"u{pid}.service" for pid in range(100, 120)}
    for pid in range(100, 120):
        host.put(pid, rss=20)
        (host.root / f"{pid}/cgroup").unlink()
    shown = table.scan(demand, _OLD + 1).values()
    assert sum(process.rss_bytes == 20 * os.sysconf("SC_PAGE_SIZE") for process in shown) <= 3
    assert None not in {process.facts.unit for process in shown}


def test_near_an_emergency_all_are_read_and_judged_and_no_judgement_outlives_it(host: Host) -> None:
    table = ProcessTable(str(host.root))
    for pid in (5, 6):
        host.put(pid)
        (host.root / f"{pid}/oom_score").write_text("666\n")
        (host.root / f"{pid}/oom_score_adj").write_text("-5\n")
    table.scan(ScanDemand(), _OLD)
    host.put(6, rss=30)
    shown = table.scan(ScanDemand(everything=True), _OLD + 0.1)
    assert [(shown[pid].badness, shown[pid].oom_score_adj) for pid in (5, 6)] == [(666, -5), (666, -5)]
    assert shown[6].rss_bytes == 30 * os.sysconf("SC_PAGE_SIZE")
    shown = table.scan(ScanDemand(), _OLD + 0.2)
    assert [(shown[pid].badness, shown[pid].oom_score_adj) for pid in (5, 6)] == [(None, None), (None, None)]


def test_whom_guard_asks_about_shows_an_adjustment_half_a_minute_old_at_most_and_never_anothers(host: Host) -> None:
    table = ProcessTable(str(host.root))
    demand = ScanDemand(nouns=(_noun(comm="hog"),), guarded=frozenset({"noun"}))
    host.put(5, "hog")
    adjustment = host.root / "5/oom_score_adj"
    adjustment.write_text("-1000\n")
    assert table.scan(demand, _OLD)[5].oom_score_adj == -1000
    host.put(5, "hog", rss=20)
    assert table.scan(demand, _OLD + 1)[5].oom_score_adj == -1000
    adjustment.write_text("3\n")
    assert table.scan(demand, _OLD + 30)[5].oom_score_adj == 3
    adjustment.write_text("4\n")
    host.put(5, "hog", start=200)
    assert table.scan(demand, _OLD + 31)[5].oom_score_adj == 4
    assert table.scan(ScanDemand(), _OLD + 32)[5].oom_score_adj is None
    adjustment.unlink()
    assert table.scan(demand, _OLD + 33)[5].oom_score_adj is None


def test_near_an_emergency_kernel_threads_stay_in_rotation(host: Host) -> None:
    table = ProcessTable(str(host.root))
    host.put(5)
    for pid in range(10, 30):
        host.put(pid, "kworker/0:1", flags=_PF_KTHREAD)
    table.scan(ScanDemand(), _OLD)
    for pid in (5, *range(10, 30)):
        host.put(pid, "changed", flags=_PF_KTHREAD if pid >= 10 else 0)
    shown = table.scan(ScanDemand(everything=True), _OLD + 0.1)
    assert shown[5].comm == "changed"
    assert sum(process.comm == "changed" for process in shown.values()) <= 3


def test_exec_is_noticed_and_the_facts_are_read_again(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    child = start("sh", "-c", "read line; exec sleep 60")
    _until(lambda: read_cmdline("/proc", child.pid) == "sh -c read line; exec sleep 60")
    table = ProcessTable()
    demand = ScanDemand(nouns=(_noun(exe="/**/sleep"), _noun("uutils", exe="/**/coreutils")))
    later = _boottime() + 100
    before = table.scan(demand, later)[child.pid]
    _tell(child, b"go\n")
    _until(lambda: read_cmdline("/proc", child.pid) == "sleep 60")
    after = table.scan(demand, later + 10)[child.pid]
    assert before.facts.exe is not None
    assert after.facts.exe == os.path.realpath(shutil.which("sleep") or "")
    assert (after.id, after.image != before.image) == (before.id, True)


def test_a_process_that_renames_itself_is_recognised_by_its_new_name(
        start: Callable[..., subprocess.Popen[bytes]]) -> None:
    child = start(sys.executable, "-c", "import ctypes, sys\nsys.stdin.readline()\n"
                  "ctypes.CDLL(None).prctl(15, b'amavisd (ch1', 0, 0, 0)\nprint('done', flush=True)\n"
                  "sys.stdin.readline()")
    table = ProcessTable()
    demand = ScanDemand(nouns=(_noun("any", exe="/**"), _noun(comm="amavisd (*", exe="/**/python*")))
    later = _boottime() + 100
    assert table.scan(demand, later)[child.pid].comm.startswith("python")
    _tell(child, b"\n")
    assert child.stdout is not None
    assert child.stdout.readline() == b"done\n"
    assert table.scan(demand, later + 1)[child.pid].comm == "amavisd (ch1"


def test_a_zombie_leader_whose_threads_live_shows_what_they_hold(
        start: Callable[..., subprocess.Popen[bytes]]) -> None:
    number = _SYSCALL_EXIT.get(os.uname().machine)
    if number is None:
        pytest.skip("the number of exit(2) is not known here")
    child = start(sys.executable, "-c", "import ctypes, sys, threading, time\n"
                  "threading.Thread(target=time.sleep, args=(60,)).start()\n"
                  "print('up', flush=True)\nsys.stdin.readline()\n"
                  f"ctypes.CDLL(None).syscall({number}, 0)")
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    table = ProcessTable()
    demand = ScanDemand(nouns=(_noun(exe="/**/python*"),))
    before = table.scan(demand, _boottime())[child.pid]
    _tell(child, b"\n")
    _until(lambda: (process := read_stat("/proc", child.pid)) is not None and process.state == "Z")
    for watching in (table, ProcessTable()):  # the one that saw it alive, and one that comes later
        for later in (0, 20, 40):
            after = watching.scan(demand, _boottime() + later)[child.pid]
            assert (after.state, after.dead) == ("Z", False)
            assert abs(after.rss_bytes - before.rss_bytes) < 1 << 20
            assert (after.facts, after.image) == (before.facts, before.image)
            assert after.facts.exe is not None


def test_the_threads_of_a_zombie_leader_are_read_however_often_its_own_line_stays_the_same(host: Host) -> None:
    table = ProcessTable(str(host.root))
    host.put(70, state="Z", rss=0)
    (host.root / "70" / "task").mkdir()
    living = Host(host.root / "70" / "task")
    for turn, pages in enumerate((10, 20, 0, 30)):
        living.put(71, rss=pages)
        shown = table.scan(ScanDemand(pids=frozenset({70})), _OLD + turn)[70]
        assert (shown.state, shown.rss_bytes) == ("Z", pages * os.sysconf("SC_PAGE_SIZE"))


def test_use_of_a_spool_is_unknown_until_it_was_found_out_and_then_what_was_found(
        start: Callable[..., subprocess.Popen[bytes]]) -> None:
    child = start("sleep", "60")
    table = ProcessTable()
    noun = ProcessNoun("n", comm=_noun(comm="sleep").comm, under=("vscan",))
    demand = ScanDemand(nouns=(noun,), under=frozenset({"vscan"}))
    _until(lambda: (process := read_stat("/proc", child.pid)) is not None and process.comm == "sleep")
    seen = table.scan(demand, _boottime())[child.pid]
    assert seen.under is None
    assert seen.id in table.spool_users
    assert os.getpid() not in [process.pid for process in table.spool_users]
    for use in (frozenset({"vscan"}), frozenset[str]()):
        known = replace(demand, users={seen.id: use})
        assert table.scan(known, _boottime())[child.pid].under == use


def test_a_dead_victim_is_remembered_with_the_spools_it_used_alive(
        tmp_path: Path, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    child = start(sys.executable, "-c", "import os, sys\nos.chdir(sys.argv[1])\nprint('in', flush=True)\n"
                  "sys.stdin.readline()", str(tmp_path))
    table = ProcessTable()
    noun = ProcessNoun("n", cmdline=(re.compile("os.chdir"),), under=("vscan",))
    demand = ScanDemand(nouns=(noun,), under=frozenset({"vscan"}))
    assert child.stdout is not None
    assert child.stdout.readline() == b"in\n"
    later = _boottime() + 100
    seen = _settled(table, demand, later)[child.pid]
    demand = replace(demand, users={seen.id: frozenset({"vscan"})})
    alive = table.scan(demand, later)[child.pid]
    assert alive.under == frozenset({"vscan"})
    child.kill()
    demand = replace(demand, users={seen.id: frozenset()})  # all its files are closed
    _until(lambda: (process := read_stat("/proc", child.pid)) is not None and process.state == "Z")
    for after in (1, 2):
        assert table.scan(demand, later + after)[child.pid].dead
        assert table.last_seen(child.pid) == alive
    child.wait()
    table.scan(demand, later + 8)
    assert table.last_seen(child.pid) == alive
    table.facts.close()


def test_one_that_a_decision_watches_is_read_at_every_scan_though_no_noun_matches(host: Host) -> None:
    table = ProcessTable(str(host.root))
    for pid in range(100, 120):
        host.put(pid)
        (host.root / f"{pid}/oom_score_adj").write_text("-7\n")
    table.scan(ScanDemand(), _OLD)
    watched = ScanDemand(pids=frozenset({119}))
    assert table.scan(watched, _OLD + 1)[119].oom_score_adj == -7
    for rss in (20, 21, 22):
        host.put(119, rss=rss)
        shown = table.scan(watched, _OLD + 1 + rss / 1000)
        assert shown[119].rss_bytes == rss * os.sysconf("SC_PAGE_SIZE")
    assert shown[118].oom_score_adj is None


def test_the_kernel_protection_of_descendants_is_seen(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    parent = start("sh", "-c", "sleep 60 & echo $!; wait")
    assert parent.stdout is not None
    grandchild = int(parent.stdout.readline())
    noun = ProcessNoun("n", cmdline=(re.compile("sh -c sleep 60"),))
    try:
        Path(f"/proc/{grandchild}/oom_score_adj").write_text("321")
        table = ProcessTable()
        shown = _settled(table, ScanDemand(nouns=(noun,), protect=frozenset({"n"})), _boottime() + 100)
        table.facts.close()
        assert shown[grandchild].oom_score_adj == 321
        assert shown[parent.pid].oom_score_adj is not None
        assert shown[os.getpid()].oom_score_adj is None
    finally:
        os.kill(grandchild, 9)


def test_a_pattern_that_is_slow_for_one_user_is_told_once_and_holds_up_no_scan(
        start: Callable[..., subprocess.Popen[bytes]]) -> None:
    noun = ProcessNoun("n", cmdline=(re.compile(r"^exploding (\S+ ?)+--worker$"),), place="x.toml:3")
    for _ in range(20):
        start("bash", "-c", f"exec -a 'exploding {'a' * 60}' sleep 60")
    last = start("bash", "-c", f"exec -a 'exploding {'a' * 60}' sleep 60")
    _until(lambda: (read_cmdline("/proc", last.pid) or "").startswith("exploding"))
    table = ProcessTable()
    began = time.process_time()
    _settled(table, ScanDemand(nouns=(noun,)), _boottime() + 100)
    assert time.process_time() - began < 1.0
    assert sum(table.facts.slow_patterns().values()) == 1
    assert [rule for rule, _ in table.facts.news(_boottime())] == ["process.n"]
    table.facts.close()


def test_a_long_command_line_is_searched_to_its_end_and_remembered_short(
        start: Callable[..., subprocess.Popen[bytes]]) -> None:
    child = start(sys.executable, "-c", "import sys; sys.stdin.readline()", "x" * 100_000, "org.apache.Main")
    _until(lambda: (read_cmdline("/proc", child.pid) or "").endswith("Main"))
    table = ProcessTable()
    demand = ScanDemand(nouns=(ProcessNoun("n", cmdline=(re.compile(r"org\.apache\.Main$"),)),))
    unknown = table.scan(demand, _boottime())[child.pid]
    assert not own_keys_match(demand.nouns[0], unknown)
    assert may_match(demand.nouns[0], unknown)
    known = _settled(table, demand, _boottime())[child.pid]
    assert own_keys_match(demand.nouns[0], known)
    assert known.facts.asked == frozenset()
    assert known.facts.cmdline is not None and len(known.facts.cmdline) <= 512
    assert known.facts.cmdline.endswith("org.apache.Main")
    table.facts.close()


_EVENTS = st.lists(st.tuples(st.sampled_from(["put", "end", "recycle", "grow"]), st.integers(2, 9),
                             st.floats(0.05, 12.0)), max_size=25)


@settings(max_examples=at_most(60), deadline=None)
@given(events=_EVENTS)
def test_whatever_happens_the_table_is_right_within_ten_seconds(
        tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, int, float]]) -> None:
    host = Host(tmp_path_factory.mktemp("proc"))
    table = ProcessTable(str(host.root))
    now = _OLD
    for number, (event, pid, pause) in enumerate(events):
        present = (host.root / str(pid)).exists()
        if event == "end" and present:
            host.end(pid)
        elif event != "end":
            host.put(pid, start=100 + (number if event == "recycle" else 0), rss=number)
        now += pause
        table.scan(ScanDemand(), now)
    for _ in range(20):
        now += 0.5
        shown = table.scan(ScanDemand(), now)
    truth = {int(folder.name): parse_stat(int(folder.name), (folder / "stat").read_bytes())
             for folder in host.root.iterdir()}
    if not events:
        shown = table.scan(ScanDemand(), now)
    assert dict(shown) == truth

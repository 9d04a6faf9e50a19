"""Details: which are needed, and what they say of real children."""

from dataclasses import replace
from pathlib import Path

from watchdog_oom.core.model import Facts, Process, ProcessId
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.host.processes.demand import ScanDemand
from watchdog_oom.host.processes.details import Details, Needs, needs_of
from watchdog_oom.host.processes.sharing import SharingReader

_INIT, _DATABASE, _WORKER, _HELPER, _OTHER = (
    Process(ProcessId(pid, pid), ppid, comm)
    for pid, ppid, comm in ((1, 0, "init"), (10, 1, "db"), (11, 10, "worker"), (12, 11, "helper"), (20, 1, "other")))
_THREAD = Process(ProcessId(2, 2), 0, "kthreadd", kernel_thread=True)
_ALL = {process.pid: process for process in (_INIT, _DATABASE, _WORKER, _HELPER, _OTHER, _THREAD)}


def test_the_adjustment_is_read_of_the_protected_and_all_their_descendants() -> None:
    noun = ProcessNoun("db")
    needs = needs_of(ScanDemand(nouns=(noun,), protect=frozenset({"db"})), {10: (noun,)}, _ALL)
    assert needs == Needs(watched=frozenset({10}), adjusted=frozenset({10, 11, 12}))


def test_a_noun_of_only_a_parent_is_about_its_descendants_only() -> None:
    database, below = ProcessNoun("db"), ProcessNoun("below", parent=("db",), under=("spool",))
    matches = {pid: (database, below) if pid == 10 else (below,) for pid in (1, 10, 11, 12, 20)}
    needs = needs_of(ScanDemand(nouns=(database, below), swap=frozenset({"below"})), matches, _ALL)
    assert needs.watched == {10, 11, 12}
    assert needs.swap == needs.spools.keys() == {11, 12}
    assert needs.adjusted == frozenset()


def test_near_an_emergency_all_but_kernel_threads_are_judged() -> None:
    needs = needs_of(ScanDemand(everything=True), {}, _ALL)
    assert needs.badness == needs.guarded == {1, 10, 11, 12, 20}


def test_of_everybody_who_may_be_judged_only_the_adjustment_is_read() -> None:
    needs = needs_of(ScanDemand(judged=True), {}, _ALL)
    assert needs == Needs(guarded=frozenset({1, 10, 11, 12, 20}))


def test_the_adjustment_is_read_of_those_guard_is_asked_about_and_of_whom_a_decision_watches() -> None:
    noun = ProcessNoun("worker")
    demand = ScanDemand(nouns=(noun,), guarded=frozenset({"worker"}), pids=frozenset({20, 99}))
    needs = needs_of(demand, {11: (noun,)}, _ALL)
    assert needs == Needs(watched=frozenset({11, 20}), guarded=frozenset({11, 20}))


def test_the_adjustment_is_read_of_all_that_live_in_a_unit_that_may_be_contained() -> None:
    noun = ProcessNoun("worker")
    units = {11: "mail.service", 12: "mail.service", 20: "other.service"}
    housed = {pid: replace(process, facts=Facts(unit=units.get(pid))) for pid, process in _ALL.items()}
    needs = needs_of(ScanDemand(nouns=(noun,), contained=frozenset({"worker"})), {11: (noun,)}, housed)
    assert needs == Needs(watched=frozenset({11}), guarded=frozenset({11, 12}))


def test_names_that_no_noun_has_need_nothing() -> None:
    demand = ScanDemand(swap=frozenset({"x"}), protect=frozenset({"y"}))
    assert needs_of(demand, {}, _ALL) == Needs()


def test_parents_in_a_circle_end() -> None:
    circle = {5: Process(ProcessId(5, 1), 6, "a"), 6: Process(ProcessId(6, 1), 5, "b")}
    noun = ProcessNoun("a")
    needs = needs_of(ScanDemand(nouns=(noun,), protect=frozenset({"a"})), {5: (noun,)}, circle)
    assert needs.adjusted == {5, 6}


def test_sharing_is_read_of_a_group_that_holds_more_than_a_rule_allows_if_each_is_counted_alone() -> None:
    noun = ProcessNoun("worker")
    pool = {pid: Process(ProcessId(pid, pid), 1, "worker", rss_bytes=100) for pid in (11, 12)}
    matches = dict.fromkeys(pool, (noun,))
    above = ScanDemand(nouns=(noun,), together={"worker": 199.0})
    assert needs_of(above, matches, pool) == Needs(watched=frozenset(pool), together={"worker": frozenset(pool)})
    assert needs_of(above, matches, pool).detailed == pool.keys()
    within = ScanDemand(nouns=(noun,), together={"worker": 200.0, "other": 0.0})
    assert needs_of(within, matches, pool).together == {}
    alone = ScanDemand(nouns=(noun,), together={"worker": 0.0})
    assert needs_of(alone, {11: (noun,)}, pool).together == {}, "one shares with none of its own"


def test_what_is_known_of_the_use_of_spools_is_shown_of_those_whom_it_matters_for() -> None:
    users = {_WORKER.id: frozenset({"vscan", "other"}), _OTHER.id: frozenset({"vscan"})}
    needs = Needs(spools={pid: frozenset({"vscan"}) for pid in (11, 12)}, swap=frozenset({20}))
    details = Details("/proc", lambda kind: None, SharingReader("/proc"))
    read = details.read([_WORKER, _HELPER, _OTHER], needs, ScanDemand(users=users), 0.0)
    assert [read[pid].under for pid in (11, 12, 20)] == [{"vscan"}, None, frozenset()]


def test_what_cannot_be_read_is_counted_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "20/oom_score").mkdir(parents=True)
    (tmp_path / "20/oom_score_adj").write_bytes(b"nonsense")
    counted: list[str] = []
    needs = Needs(badness=frozenset({20}), adjusted=frozenset({20}))
    read = Details(str(tmp_path), counted.append, SharingReader(str(tmp_path))).read([_OTHER], needs, ScanDemand(), 0.0)
    assert read == {20: _OTHER}
    assert counted == ["process detail"]


def test_where_nothing_is_in_swap_nobody_is_read_for_it(tmp_path: Path) -> None:
    (tmp_path / "20").mkdir()
    (tmp_path / "20/status").write_text("Name:\tx\nVmSwap:\t      64 kB\n")
    alive, gone = replace(_OTHER, image=7), replace(_HELPER, image=0)
    needs = Needs(badness=frozenset({12, 20}))
    for swapped, bytes_of_alive in ((True, 65536), (False, 0)):
        details = Details(str(tmp_path), lambda kind: None, SharingReader(str(tmp_path)))
        read = details.read([alive, gone], needs, ScanDemand(swapped=swapped), 0.0)
        assert (read[20].swap_bytes, read[12].swap_bytes) == (bytes_of_alive, None), swapped

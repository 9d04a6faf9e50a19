"""The simulated host shows what the real sensors show, and what they do not show changes no decision."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import MIB, NOW, memory, mib, noun, percent, policy, proc, service_state, snapshot, step, when
from tests.core.world import Proc, Unit, World
from tests.examples import at_most
from watchdog_oom.cli.policy_test.sensed import as_sensed
from watchdog_oom.core.actions import Plan, Watch
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.decide import decide
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History, Stage, Termination
from watchdog_oom.core.memory import Sharing
from watchdog_oom.core.model import NO_FACTS, Facts, Process, ProcessId
from watchdog_oom.core.nouns import ProcessNoun, SpoolNoun
from watchdog_oom.core.policy import Emergency, Limit, Policy, Protect, Recover, Then, Verb
from watchdog_oom.host.processes.demand import UNIT_OF_EVERYBODY, ScanDemand, scan_demand
from watchdog_oom.host.processes.procfs import PAGE_BYTES, TICKS_PER_SECOND
from watchdog_oom.host.processes.table import ProcessTable
from watchdog_oom.host.spools.users import SpoolUsers

COMMS = ("sshd", "login", "bash", "hog", "db")
EXES = ("/usr/sbin/sshd", "/usr/bin/login", "/usr/bin/hog", "/home/eve/sshd")
UNITS = ("a.service", "b.scope", None)
SPOOLS = {name: SpoolNoun(name, f"/spools/{name}", ("*",), 60.0) for name in ("s", "t")}


def patterns(*texts: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(text) for text in texts)


@st.composite
def nouns(draw: st.DrawFn, name: str) -> ProcessNoun:
    return ProcessNoun(
        name, comm=draw(st.sampled_from([(), patterns(".*"), patterns("sshd|hog"), patterns("db")])),
        exe=draw(st.sampled_from([(), (), patterns("/usr/.*")])), user=draw(st.sampled_from([(), (), ("root",)])),
        unit=draw(st.sampled_from([(), (), patterns("a.*")])),
        cmdline=draw(st.sampled_from([(), (), patterns("-x")])),
        parent=draw(st.sampled_from([(), (), ("n0",)])), under=draw(st.sampled_from([(), (), ("s",)])))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    target = st.sampled_from(["n0", "n1", "n2", "n3"])
    limits = [Limit(f"l{index}", draw(target), rss=mib(draw(st.integers(0, 300))),
                    swap=draw(st.sampled_from([None, mib(50)])), count=draw(st.sampled_from([None, 1])),
                    total_rss=draw(st.sampled_from([None, None, mib(300), percent(20)])),
                    grace_seconds=draw(st.sampled_from([0.0, 3.0])), then=draw(st.sampled_from(list(Then))))
              for index in range(draw(st.integers(0, 2)))]
    steps = [step(verb, draw(target), memory_high=mib(1) if verb is Verb.CONTAIN else None)
             for verb in draw(st.lists(st.sampled_from([Verb.FREEZE, Verb.KILL, Verb.CONTAIN]), max_size=2))]
    condition = ProcessesAre(draw(target), count_above=0, total_rss_above=draw(st.sampled_from([None, mib(200)])))
    recover = Recover("r", (when(condition),), tuple(steps), cooldown_seconds=1.0)
    protect = draw(st.sampled_from([(), (Protect("p", "n3"),), (Protect("p", "n3", -500),)]))
    return policy(*[draw(nouns(f"n{index}")) for index in range(4)], *SPOOLS.values(), *limits, *protect,
                  *((recover,) if steps else ()),
                  Emergency(percent(draw(st.sampled_from([0.0, 10.0, 90.0]))), percent(50.0), prefer=("n1",)))


@st.composite
def hosts(draw: st.DrawFn) -> World:
    world = World(draw(policies()), base_mib=draw(st.sampled_from([0, 900])),
                  swap_mib=draw(st.sampled_from([0, 512])), swap_used_mib=draw(st.sampled_from([0, 200])))
    world.units = {unit: Unit() for unit in UNITS if unit is not None}
    world.lineage = frozenset({1, 2})
    in_swap = st.sampled_from([0, 0, 100] if world.swap_mib else [0])  # who is in swap is so on a host that has some
    for pid in range(1, draw(st.integers(3, 12))):
        kernel_thread = draw(st.integers(0, 9)) == 0
        facts = NO_FACTS if kernel_thread else Facts(
            draw(st.sampled_from(EXES)), draw(st.sampled_from(["-x", ""])), 0, "root", draw(st.sampled_from(UNITS)))
        rss_mib = draw(st.integers(0, 400))
        world.procs[pid] = Proc(
            pid, draw(st.sampled_from(COMMS)), pid, world.now - 100.0, draw(st.integers(0, pid - 1)),
            rss_mib, draw(in_swap), facts,
            tty=draw(st.sampled_from([0, 1025])), session=pid, kernel_thread=kernel_thread,
            adj=0 if kernel_thread else draw(st.sampled_from([0, 0, -1000, -500])),
            under=draw(st.sampled_from([frozenset[str](), frozenset({"s"}), frozenset({"s", "t"})])),
            ignores_term=draw(st.booleans()), unkillable=draw(st.booleans()),
            shared_mib=min(rss_mib, draw(st.sampled_from([0, 100]))))
    return world


@settings(max_examples=at_most(150), deadline=None)
@given(world=hosts(), paces=st.lists(st.sampled_from([0.1, 1.0, 6.0]), min_size=2, max_size=8))
def test_what_is_not_read_changes_no_decision(world: World, paces: list[float]) -> None:
    for pace in paces:
        before = world.history
        plan = world.tick(pace)
        assert (plan, world.history) == decide(world.truth, world.policy, before, world.budget)


# Each demand cut down by one thing on purpose: the decision must notice.

_VICTIM = proc(7, "hog", rss=500, exe="/usr/bin/hog", unit="a.service", swap_bytes=90 * MIB, under=frozenset({"s"}),
               sharing=Sharing(250 * MIB))
_TWIN = replace(_VICTIM, id=ProcessId(10, 1), swap_bytes=None, under=frozenset())
_HOG = noun("hog")
_SPARED = proc(8, "other", unit="a.service", oom_score_adj=-1000)
_CONTAINS = Limit("l", "hog", rss=mib(1), then=Then.CONTAIN)
_EMERGENCY = Emergency(percent(90.0), percent(90.0))
_NOBODY = frozenset[str]()
_ENDING = History(terminations={_VICTIM.id: Termination("r", "hog", Stage.TERM, 0.0, 0.0, 5.0, ("why",))})


def _decided(rules: Policy, processes: dict[int, Process], history: History) -> Plan:
    services = {"a.service": service_state("a.service", memory_high_bytes=1 << 40)}
    seen = snapshot(*processes.values(), services=services, memory=memory(5.0, 5.0))
    return decide(seen, rules, history, Budget())[0]


@pytest.mark.parametrize(("rules", "others", "history", "cut"), [
    (policy(_HOG, Limit("l", "hog", rss=mib(1))), (), History(), {"guarded": _NOBODY}),
    (policy(_HOG, Limit("l", "hog", swap=mib(1))), (), History(), {"swap": _NOBODY}),
    (policy(_HOG, Protect("p", "hog", -500)), (), History(), {"protect": _NOBODY}),
    (policy(noun("hog", under=("s",)), SPOOLS["s"], Limit("l", "hog", rss=mib(1))), (), History(), {"under": _NOBODY}),
    (policy(_HOG, _CONTAINS), (_SPARED,), History(), {"contained": _NOBODY}),
    (policy(_HOG, _CONTAINS), (_SPARED,), History(), {"nouns": UNIT_OF_EVERYBODY}),
    (policy(_EMERGENCY), (proc(9, "sshd", rss=600, exe="/usr/sbin/sshd"),), History(), {"nouns": ()}),
    (policy(_EMERGENCY), (), History(), {"everything": False}),
    (policy(), (), _ENDING, {"pids": frozenset[int]()}),
    (policy(_HOG, Limit("l", "hog", total_rss=mib(600))), (_TWIN,), History(), {"together": {}}),
], ids=lambda value: next(iter(value)) if isinstance(value, dict) else None)
def test_a_demand_that_asks_for_less_makes_another_decision(
        rules: Policy, others: tuple[Process, ...], history: History, cut: dict[str, object]) -> None:
    everybody = {process.pid: process for process in (_VICTIM, *others)}
    watch = Watch(processes=frozenset(identity.pid for identity in history.terminations))
    demand = scan_demand(rules, memory(5.0, 5.0), watch)
    if cut.get("nouns") is UNIT_OF_EVERYBODY:
        cut = {"nouns": tuple(noun for noun in demand.nouns if noun is not UNIT_OF_EVERYBODY)}
    truth = _decided(rules, everybody, history)
    assert _decided(rules, as_sensed(everybody, demand), history) == truth
    assert _decided(rules, as_sensed(everybody, replace(demand, **cut)), history) != truth  # type: ignore[arg-type]


# The simulated sensors against the real ones.

def put(root: Path, process: Process) -> None:
    """The process below a made-up /proc, as the kernel would show it."""
    folder, facts = root / str(process.pid), process.facts
    (folder / "fd").mkdir(parents=True)
    flags = 0x00200000 if process.kernel_thread else 0
    fields = [process.ppid, 0, process.session, process.tty, 0, flags, *[0] * 10, 1, 0, process.id.start_ticks, 4096,
              process.rss_bytes // PAGE_BYTES, 0, 1, 1, 1, 0, 0]
    (folder / "stat").write_text(f"{process.pid} ({process.comm}) {process.state} {' '.join(map(str, fields))}\n")
    (folder / "status").write_text(f"Name:\t{process.comm}\nUid:\t0\t0\t0\t0\n"
                                   f"VmSwap:\t{(process.swap_bytes or 0) // 1024} kB\n")
    if process.sharing is not None:
        share_kib = (process.sharing.pss_bytes or 0) // 1024
        (folder / "smaps_rollup").write_text(f"0-1 ---p [rollup]\nPss:  {share_kib} kB\n")
    (folder / "cgroup").write_text(f"0::/system.slice/{facts.unit}\n" if facts.unit else "0::/\n")
    (folder / "cmdline").write_text(facts.cmdline or "")
    (folder / "oom_score_adj").write_text(f"{process.oom_score_adj}\n")
    (folder / "oom_score").write_text(f"{process.badness}\n")
    if facts.exe is not None:
        (folder / "exe").symlink_to(facts.exe)
    (folder / "cwd").symlink_to("/")
    for number, name in enumerate(sorted(process.under or ())):
        (folder / "fd" / str(number)).symlink_to(f"/spools/{name}/entry")


def spool_users(root: Path, everybody: dict[int, Process], demand: ScanDemand) -> dict[ProcessId, frozenset[str]]:
    """What the child that scans finds out of the spools the processes use, once it has answered for all of them."""
    users = SpoolUsers(str(root), lambda: {name: f"/spools/{name}" for name in demand.under})
    users.ask(process.id for process in everybody.values())
    while len(users.news) < len(everybody):
        users.tick(1.0)
    return {process: names for process, names in users.news.items() if names is not None}


def scanned(root: str, demand: ScanDemand) -> dict[int, Process]:
    """What the real table shows once the children that it asks have answered."""
    table, until = ProcessTable(root), time.monotonic() + 20
    try:
        while True:
            shown = dict(table.scan(demand, NOW))
            if not any(process.facts.asked or (process.sharing is not None and process.sharing.awaited)
                       for process in shown.values()):
                return shown
            assert time.monotonic() < until
            table.facts.wait(0.1)
    finally:
        table.facts.close()


@settings(max_examples=at_most(20), deadline=None)
@given(world=hosts(), watched=st.frozensets(st.integers(1, 15), max_size=3), readable=st.booleans())
def test_the_simulated_sensors_show_what_the_real_ones_show(
        tmp_path_factory: pytest.TempPathFactory, world: World, watched: frozenset[int], readable: bool) -> None:
    everybody = {pid: replace(process, id=ProcessId(pid, 100 + pid), started_boottime=(100 + pid) / TICKS_PER_SECOND)
                 for pid, process in world.everybody().items()}
    root = tmp_path_factory.mktemp("proc")
    for process in everybody.values():
        put(root, process)
    demand: ScanDemand = replace(scan_demand(world.policy, world.memory() if readable else None), pids=watched)
    demand = replace(demand, users=spool_users(root, everybody, demand))
    shown = scanned(str(root), demand)
    assert {pid: replace(process, image=0) for pid, process in shown.items()} == as_sensed(everybody, demand)

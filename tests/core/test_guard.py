"""Refusals that no policy can override (Laws 2 and 3): one by one, and for random hosts and policies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import mib, noun, percent, policy, proc, snapshot, spool_state, step, when
from tests.core.world import Proc, World
from tests.examples import at_most
from watchdog_oom.core.actions import (
    Action,
    Probe,
    Purge,
    RunCommand,
    SetOomScoreAdj,
    Signal,
    SignalName,
    StartUnit,
    StopUnit,
)
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.guard import Budget, refusal, untouchable
from watchdog_oom.core.matching import Fact
from watchdog_oom.core.model import Facts, Process, ProcessId
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.core.policy import Emergency, Limit, Policy, Protect, Recover, Then, Verb
from watchdog_oom.core.view import View

BUDGET = Budget(kills_per_minute=3, purge_entries=100)
SSHD = proc(50, "sshd", exe="/usr/sbin/sshd")
LOGIN = proc(60, "login", exe="/usr/bin/login")


def refused(step: Action, *processes: Process, rules: Policy | None = None, kills: int = 0, begun: bool = False,
            lineage: Iterable[int] = ()) -> str | None:
    own = frozenset(process.id for process in processes if process.pid in lineage)
    seen = snapshot(*processes, lineage=own, spools={"odd": spool_state(problem="it is a symlink")})
    return refusal(step, View(seen, rules or policy()), BUDGET, kills, begun=begun)


def to(process: Process, signal: SignalName = SignalName.TERM, *, explicit: bool = True) -> Signal:
    return Signal(process.id, process.comm, signal, "noun", explicit)


VICTIM = proc(100, "victim")


def test_whoever_has_the_pid_of_an_ancestor_that_ended_is_no_ancestor() -> None:
    ancestor, heir = proc(77, "bash", start=5), proc(77, "hog", start=6)
    for process, reason in ((ancestor, "it is this daemon, a helper or an ancestor of it"), (heir, None)):
        seen = snapshot(process, lineage=frozenset({ancestor.id}))
        assert refusal(to(process), View(seen, policy()), BUDGET, 0) == reason


@pytest.mark.parametrize(("process", "reason"), [
    (proc(1, "systemd"), "it is pid 1"),
    (proc(100, "kswapd0", kernel_thread=True), "it is a kernel thread"),
    (proc(77, "watchdog-oomd"), "it is this daemon, a helper or an ancestor of it"),
    (proc(100, "immune", oom_score_adj=-1000), "its oom_score_adj is -1000"),
    (proc(100, "unread", oom_score_adj=None), "its oom_score_adj could not be read"),
    (proc(100, "db"), "it is protected by protect.db"),
])
@pytest.mark.parametrize("signal", [SignalName.TERM, SignalName.KILL, SignalName.STOP])
def test_these_are_never_signalled_even_when_a_policy_names_them(process: Process, reason: str,
                                                                  signal: SignalName) -> None:
    rules = policy(noun("db"), Protect("db", "db"))
    assert refused(to(process, signal), process, rules=rules, lineage=(77, 1)) == reason


def test_one_that_may_be_protected_is_left_alone_until_that_is_known() -> None:
    rules = policy(noun("db", cmdline="--main"), Protect("db", "db"))
    asked, known = VICTIM.facts, replace(VICTIM.facts, cmdline_lacks=frozenset(rules.processes["db"].cmdline))
    unknown = replace(VICTIM, facts=replace(asked, asked=frozenset({Fact.CMDLINE})))
    assert refused(to(unknown), unknown, rules=rules) == "it is not known yet whether protect.db is about it"
    answered = replace(VICTIM, facts=known)
    assert refused(to(answered), answered, rules=rules) is None


@pytest.mark.parametrize(("process", "reason"), [
    (SSHD, "it is sshd"),
    (proc(100, "sshd", exe="/usr/sbin/sshd", host_namespaces=True), "it is sshd"),
    (proc(100, "sshd-session", exe="/usr/lib/openssh/sshd-session"), "it is sshd"),
    (proc(100, "bash", ppid=50, tty=34816, session=100), "it leads an operator's session"),
    (proc(100, "zsh", ppid=60, tty=1025, session=100), "it leads an operator's session"),
])
def test_sshd_and_login_shells_are_reached_only_by_a_policy_that_names_them(process: Process, reason: str) -> None:
    everybody = {SSHD.pid: SSHD, LOGIN.pid: LOGIN, process.pid: process}.values()
    assert refused(to(process, explicit=False), *everybody) == reason
    assert refused(to(process, explicit=True), *everybody) is None


@pytest.mark.parametrize("process", [
    proc(100, "sshd"),
    proc(100, "sshd", exe="/usr/sbin/sshd", host_namespaces=False),
    proc(100, "sshd", exe="/usr/sbin/sshd", exe_mounted=False),
    proc(100, "sshd", exe="/home/eve/sshd"),
    proc(100, "sshd", exe="/usr/bin/python3.11"),
    proc(100, "sshd", exe="/tmp/usr/sshd"),
    proc(100, "notsshd", exe="/usr/sbin/sshd"),
    proc(100, "bash", ppid=50, tty=0, session=100),
    proc(100, "vim", ppid=50, tty=34816, session=99),
    proc(100, "bash", ppid=2, tty=34816, session=100),
    proc(100, "bash", ppid=4000, tty=34816, session=100),
    proc(100, "bash", ppid=70, tty=34816, session=100),
])
def test_a_name_or_a_terminal_alone_makes_nobody_immune(process: Process) -> None:
    assert refused(to(process, explicit=False), SSHD, LOGIN, proc(2, "cron"),
                   proc(70, "login", exe="/home/eve/login"), process) is None


def test_the_protected_are_named_with_the_table_that_protects_them() -> None:
    rules = policy(noun("victim"), Protect("mine", "victim"))
    assert untouchable(VICTIM, View(snapshot(VICTIM), rules)) == "it is protected by protect.mine"


@pytest.mark.parametrize("signal", list(SignalName))
def test_nobody_is_signalled_who_is_gone_dead_or_another(signal: SignalName) -> None:
    step = to(VICTIM, signal)
    assert refused(step) == "it is gone"
    assert refused(step, replace(VICTIM, state="Z")) == "it is gone"
    assert refused(step, replace(VICTIM, id=ProcessId(100, 1))) == "it is gone"
    assert refused(step, VICTIM) is None


def test_a_zombie_leader_whose_threads_live_on_is_still_there() -> None:
    assert refused(to(VICTIM), replace(VICTIM, state="Z", threads=5)) is None


def test_the_budget_counts_those_newly_ended_not_the_second_signal_nor_a_freeze() -> None:
    assert refused(to(VICTIM), VICTIM, kills=2) is None
    assert refused(to(VICTIM), VICTIM, kills=3) == "the budget of 3 kills a minute is used up"
    assert refused(to(VICTIM, SignalName.KILL), VICTIM, kills=3) == "the budget of 3 kills a minute is used up"
    assert refused(to(VICTIM, SignalName.KILL), VICTIM, kills=3, begun=True) is None
    assert refused(to(VICTIM, SignalName.STOP), VICTIM, kills=3) is None


def test_anybody_may_be_continued() -> None:
    assert refused(to(SSHD, SignalName.CONT, explicit=False), SSHD, kills=99) is None


@pytest.mark.parametrize(("value", "noun_name", "reason"), [
    (-900, "db", None), (1000, "db", None), (-1000, None, None), (-1000, "free", None),
    (-1000, "db", "-1000 needs allow_unkillable = true"),
    (-1001, None, "oom_score_adj goes from -1000 to 1000"), (1001, "db", "oom_score_adj goes from -1000 to 1000")])
def test_an_oom_score_adj_must_be_one_and_minus_1000_must_be_allowed(value: int, noun_name: str | None,
                                                                     reason: str | None) -> None:
    rules = policy(noun("db"), noun("free"), Protect("db", "db", -1000),
                   Protect("free", "free", -1000, allow_unkillable=True))
    assert refused(SetOomScoreAdj(VICTIM.id, "victim", value, noun_name), VICTIM, rules=rules) == reason


@pytest.mark.parametrize("process", [proc(1, "init"), proc(9, "kthreadd", kernel_thread=True)])
def test_pid_1_and_kernel_threads_keep_their_oom_score_adj(process: Process) -> None:
    reason = refused(SetOomScoreAdj(process.id, process.comm, -500, "db"), process)
    assert reason == "pid 1 and kernel threads are left alone"


def test_no_oom_score_adj_is_written_for_one_that_is_gone() -> None:
    assert refused(SetOomScoreAdj(VICTIM.id, "victim", -500)) == "it is gone"


@pytest.mark.parametrize(("step", "reason"), [
    (Purge("spool", 100), None), (Purge("spool", 1), None),
    (Purge("spool", 101), "a purge may take from 1 to 100 entries"),
    (Purge("spool", 0), "a purge may take from 1 to 100 entries"),
    (Purge("odd", 10), "it is a symlink"),
    (RunCommand(("/bin/true",), 1.0), None), (RunCommand(("true",), 1.0), "a program needs an absolute path"),
    (RunCommand((), 1.0), "a program needs an absolute path"),
    (StopUnit("watchdog-oomd.service", "me"), "a watchdog does not stop or start itself"),
    (StartUnit("watchdog-oomd", "me"), "a watchdog does not stop or start itself"),
    (StopUnit("amavis.service", "amavis"), None), (StartUnit("amavis.service", "amavis"), None),
    (Probe("amavis"), None)])
def test_the_other_steps_have_their_refusals_too(step: Action, reason: str | None) -> None:
    assert refused(step) == reason


# Random hosts under pressure and random policies that want everybody dead.

def sshd(pid: int, uid: int | None, ppid: int = 1) -> Process:
    own = proc(pid, "sshd", exe="/usr/sbin/sshd", ppid=ppid)
    return replace(own, facts=replace(own.facts, uid=uid))


def test_an_sshd_that_a_user_starts_himself_gives_nothing_and_the_one_that_roots_starts_for_him_is_sshd() -> None:
    roots, session, his_own = sshd(50, 0), sshd(51, 1000, ppid=50), sshd(52, 1000, ppid=51)
    shells = [replace(proc(pid, "bash", ppid=parent.pid), tty=5, session=pid)
              for pid, parent in ((61, session), (62, his_own))]
    everybody = (roots, session, his_own, *shells)
    assert [refused(to(process, explicit=False), *everybody) for process in everybody] == [
        "it is sshd", "it is sshd", None, "it leads an operator's session", None]


def test_a_login_that_a_user_starts_himself_leads_no_operators_session() -> None:
    for uid, reason in ((0, "it leads an operator's session"), (1000, None)):
        login = replace(LOGIN, facts=replace(LOGIN.facts, uid=uid))
        shell = replace(proc(61, "bash", ppid=login.pid), tty=5, session=61)
        assert refused(to(shell, explicit=False), login, shell) == reason


NAMES = ["sshd", "bash", "db", "hog", "a) Z 1 (", "kthread", "login", "x\udcff\n"]


@st.composite
def hosts(draw: st.DrawFn) -> World:
    rules = draw(policies())
    world = World(rules, Budget(kills_per_minute=draw(st.integers(1, 6))),
                  base_mib=draw(st.sampled_from([0, 900, 1020])), swap_mib=draw(st.sampled_from([0, 512])),
                  swap_used_mib=draw(st.sampled_from([0, 500])))
    world.procs[1] = Proc(1, "init", 1, 0.0, ppid=0)
    for pid in range(2, draw(st.integers(3, 14))):
        comm = draw(st.sampled_from(NAMES))
        ppid = draw(st.integers(1, pid - 1))
        exe = draw(st.sampled_from([None, "/usr/sbin/sshd", "/usr/bin/hog", "/home/eve/sshd", "/usr/bin/login"]))
        world.procs[pid] = Proc(
            pid, comm, pid, world.now - draw(st.integers(0, 5000)), ppid, draw(st.integers(0, 400)),
            facts=Facts(exe, None, *draw(st.sampled_from([(None, None), (0, "root"), (1000, "eve")]))),
            tty=draw(st.sampled_from([0, 34816])), session=draw(st.sampled_from([pid, 2])),
            kernel_thread=comm == "kthread", adj=draw(st.sampled_from([0, 0, 0, -1000, -900])),
            ignores_term=draw(st.booleans()), unkillable=draw(st.booleans()), out_of_reach=draw(st.booleans()),
            supervised=draw(st.booleans()))
    world.lineage = frozenset(draw(st.sets(st.integers(1, 14), max_size=3)))
    return world


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    nouns = [ProcessNoun(f"n{index}", comm=draw(st.sampled_from([(), (re.compile(".*"),), (re.compile("sshd|hog"),)])),
                         user=draw(st.sampled_from([(), ("eve",)])))
             for index in range(3)]
    target = st.sampled_from(["n0", "n1", "n2"])
    limits = [Limit(f"l{index}", draw(target), rss=mib(draw(st.integers(0, 300))),
                    count=draw(st.sampled_from([None, 0, 2])), grace_seconds=draw(st.sampled_from([0.0, 3.0])),
                    then=draw(st.sampled_from(list(Then))))
              for index in range(draw(st.integers(0, 2)))]
    recover = Recover("r", (when(ProcessesAre(draw(target), count_above=0)),),
                      (step(Verb.FREEZE, draw(target)), step(Verb.KILL, draw(target))), cooldown_seconds=1.0)
    protect = draw(st.sampled_from([(), (Protect("p", "n0", -500),)]))
    return policy(*nouns, *limits, recover, *protect,
                  Emergency(percent(draw(st.sampled_from([10.0, 90.0]))), percent(50.0), prefer=("n1",)))


def immune(process: Process, view: View) -> bool:
    """Decided independently of guard: who may never be ended or frozen, named or not."""
    return (process.pid == 1 or process.kernel_thread or process.id in view.snapshot.lineage
            or process.oom_score_adj == -1000
            or any(view.matches(view.policy.processes[protect.process], process)
                   for protect in view.policy.protects.values()))


def operators(process: Process, view: View) -> bool:
    parent = view.snapshot.processes.get(process.ppid)
    login = (parent is not None and parent.comm == "login" and parent.facts.exe == "/usr/bin/login"
             and parent.facts.uid != 1000)
    shell = process.tty != 0 and process.session == process.pid and login
    answering = [one for one in (process, parent) if one is not None and one.facts.uid != 1000]
    sshd = all(one.comm == "sshd" and one.facts.exe == "/usr/sbin/sshd" for one in (process, *answering[:1]))
    return shell or (bool(answering) and sshd)


@settings(max_examples=at_most(150), deadline=None)
@given(world=hosts(), paces=st.lists(st.sampled_from([0.1, 1.0, 5.0, 20.0]), min_size=3, max_size=25))
def test_no_plan_ever_reaches_the_untouchable_or_exceeds_the_budget_or_signals_twice(world: World,
                                                                                     paces: list[float]) -> None:
    begun: list[tuple[float, ProcessId, bool]] = []
    once: set[tuple[ProcessId, SignalName]] = set()
    for pace in paces:
        sensed = len(world.sent)
        plan = world.tick(pace)
        truth = View(world.truth, world.policy)
        for intent in plan.intents:
            if not isinstance(intent.action, Signal) or intent.action.signal is SignalName.CONT:
                continue
            target = truth.snapshot.processes[intent.action.target.pid]
            assert not immune(target, truth), f"{intent} reaches the untouchable"
            assert intent.action.explicit or not operators(target, truth), f"{intent} reaches an operator"
            if intent.action.signal is not SignalName.STOP and intent.action.target not in {old for _, old, _ in begun}:
                begun.append((world.now, intent.action.target, intent.urgent))
        for _, signal, identity, _ in world.sent[sensed:]:
            if signal in (SignalName.TERM, SignalName.KILL):
                assert (identity, signal) not in once, f"{signal} twice to {identity}"
                once.add((identity, signal))
        for urgent in (True, False):  # the emergency has a budget of its own
            recent = [at for at, _, was_urgent in begun if world.now - at < 60.0 and was_urgent is urgent]
            assert len(recent) <= world.budget.kills_per_minute

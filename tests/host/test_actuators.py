from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from watchdog_oom.core.actions import (
    Action,
    Intent,
    Probe,
    Purge,
    RunCommand,
    SetOomScoreAdj,
    Signal,
    SignalName,
    StartUnit,
)
from watchdog_oom.core.model import ProcessId, Snapshot
from watchdog_oom.core.nouns import ProcessNoun, ServiceNoun, Size, SpoolNoun, TcpProbe
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.core.policy import Policy, Protect
from watchdog_oom.host.actuators import Actuators
from watchdog_oom.host.clock import read_clock
from watchdog_oom.host.processes.demand import demand_of
from watchdog_oom.host.processes.facts import FactReader
from watchdog_oom.host.processes.table import ProcessTable
from watchdog_oom.host.purge.jobs import PurgeNote
from watchdog_oom.host.services.lsb import Lsb

SLEEPER = ProcessNoun("sleeper", comm=(re.compile("sleep"),))
OTHER = ProcessNoun("other", comm=(re.compile("awake"),))


def policy(**more: object) -> Policy:
    return Policy(processes={"sleeper": SLEEPER, "other": OTHER}, **more)  # type: ignore[arg-type]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["/usr/bin/sleep", "100"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def actuators(tmp_path: Path) -> Iterator[Actuators]:
    made = Actuators("/proc", Lsb(str(tmp_path)), FactReader("/proc"))
    yield made
    made.close()


def look(of: Policy) -> Snapshot:
    clock = read_clock()
    return Snapshot(clock, processes=ProcessTable("/proc").scan(demand_of(of), clock.boottime))


def perform(actuators: Actuators, step: Action, of: Policy) -> Outcome | None:
    return actuators.perform(Intent("i-1", step, "rule", ("because",)), look(of), of)


def identity(process: subprocess.Popen[bytes], of: Policy) -> ProcessId:
    return look(of).processes[process.pid].id


def report(actuators: Actuators, seconds: float = 5.0) -> EffectReport:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        reports = actuators.reports(time.clock_gettime(time.CLOCK_BOOTTIME))
        if reports:
            return reports[0]
        time.sleep(0.02)
    raise AssertionError("no report came")


def test_a_signal_reaches_the_process_that_still_matches(actuators: Actuators, child: subprocess.Popen[bytes]) -> None:
    done = perform(actuators, Signal(identity(child, policy()), "sleep", SignalName.TERM, "sleeper"), policy())
    assert done is not None and done.ok
    assert child.wait(5) == -15


def test_a_process_that_no_longer_matches_its_noun_is_left_alone(
    actuators: Actuators, child: subprocess.Popen[bytes]
) -> None:
    done = perform(actuators, Signal(identity(child, policy()), "sleep", SignalName.KILL, "other"), policy())
    assert done == Outcome(False, "the rule no longer matches it")
    assert child.poll() is None


@pytest.mark.parametrize("action", ["signal", "score"])
def test_an_act_for_a_noun_that_has_left_the_policy_is_refused(
        actuators: Actuators, child: subprocess.Popen[bytes], action: str) -> None:
    target, path = identity(child, policy()), Path(f"/proc/{child.pid}/oom_score_adj")
    before, left = path.read_text(), Policy(processes={"other": OTHER})
    step: Action = (Signal(target, "sleep", SignalName.KILL, "sleeper", explicit=True) if action == "signal"
                    else SetOomScoreAdj(target, "sleep", 321, "sleeper"))
    assert perform(actuators, step, left) == Outcome(False, "the rule no longer matches it")
    assert child.poll() is None and path.read_text() == before


@pytest.mark.parametrize("same_image", [True, False])
def test_at_the_last_look_what_was_known_of_the_same_image_stays_known(
        child: subprocess.Popen[bytes], tmp_path: Path, same_image: bool) -> None:
    """A search in the command line is answered later, by a child: the last look takes what the decision knew, unless
    the process is another program since."""
    pattern = re.compile("sleep 100")
    of = Policy(processes={"sleeper": replace(SLEEPER, cmdline=(pattern,))})
    seen = look(policy())
    known = seen.processes[child.pid]
    known = replace(known, facts=replace(known.facts, cmdline_has=frozenset({pattern})))
    known = known if same_image else replace(known, image=known.image + 1)
    told = replace(seen, processes={**seen.processes, child.pid: known})
    kill = Signal(known.id, "sleep", SignalName.KILL, "sleeper")
    facts = FactReader("/proc")
    made = Actuators("/proc", Lsb(str(tmp_path)), facts)
    try:
        done = made.perform(Intent("i-1", kill, "rule", ("because",)), told, of)
    finally:
        made.close()
        facts.close()
    assert done is not None and done.ok is same_image, done


def test_a_process_that_became_protected_is_left_alone_even_when_urgent(
        actuators: Actuators, child: subprocess.Popen[bytes]) -> None:
    protecting = policy(protects={"p": Protect("p", "sleeper")})
    done = perform(actuators, Signal(identity(child, policy()), "sleep", SignalName.KILL), protecting)
    assert done is not None and not done.ok
    assert child.poll() is None


@pytest.mark.parametrize(("oom_score_adj", "ends"), [("-1000\n", False), ("", False), ("-999\n", True)])
def test_one_that_the_kernel_was_told_to_spare_since_the_look_is_left_alone(
        tmp_path: Path, child: subprocess.Popen[bytes], oom_score_adj: str, ends: bool) -> None:
    """A made-up /proc shows the real child with another oom_score_adj: to lower it, even root may lack the right."""
    before = look(policy())
    shown = tmp_path / str(child.pid)
    shown.mkdir()
    (shown / "stat").symlink_to(f"/proc/{child.pid}/stat")
    (shown / "oom_score_adj").write_text(oom_score_adj)
    kill = Signal(before.processes[child.pid].id, "sleep", SignalName.KILL, "sleeper", explicit=True)
    made = Actuators(str(tmp_path), Lsb(str(tmp_path)), FactReader(str(tmp_path)))
    done = made.perform(Intent("i-1", kill, "rule", ("because",)), before, policy())
    made.close()
    assert done is not None and done.ok is ends, done
    assert ends or child.poll() is None


def test_a_name_like_sshds_saves_nobody_at_the_last_look_either(actuators: Actuators) -> None:
    code = ("import ctypes, time\nctypes.CDLL(None).prctl(15, b'sshd', 0, 0, 0)\n"
            "print('named', flush=True)\ntime.sleep(100)")
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None and child.stdout.readline() == b"named\n"
        done = perform(actuators, Signal(identity(child, policy()), "sshd", SignalName.KILL), policy())
        assert done is not None and done.ok, done
    finally:
        child.kill()
        child.communicate()


def test_another_start_time_is_another_process(actuators: Actuators, child: subprocess.Popen[bytes]) -> None:
    stranger = replace(identity(child, policy()), start_ticks=1)
    done = perform(actuators, Signal(stranger, "sleep", SignalName.KILL, "sleeper"), policy())
    assert done is not None and not done.ok
    assert child.poll() is None


def test_an_oom_score_adj_is_written_and_its_former_value_told(
    actuators: Actuators, child: subprocess.Popen[bytes]
) -> None:
    done = perform(actuators, SetOomScoreAdj(identity(child, policy()), "sleep", 321, "sleeper"), policy())
    assert done is not None
    assert (done.ok, done.before, done.after) == (True, 0, 321)
    assert Path(f"/proc/{child.pid}/oom_score_adj").read_text().strip() == "321"


def test_a_program_is_begun_and_reported_when_it_ended(actuators: Actuators) -> None:
    assert perform(actuators, RunCommand(("/bin/sh", "-c", "echo said; exit 3"), 5.0), policy()) is None
    told = report(actuators)
    assert not told.outcome.ok
    assert "said" in told.outcome.words


def test_a_service_is_started_by_its_script(actuators: Actuators, tmp_path: Path) -> None:
    script = tmp_path / "it"
    script.write_text(f"#!/bin/sh\necho $1 >> {tmp_path}/called\n")
    script.chmod(0o755)
    assert perform(actuators, StartUnit("it.service", "it"), policy()) is None
    assert report(actuators).outcome.ok
    assert (tmp_path / "called").read_text() == "start\n"


def test_a_probe_of_a_closed_port_fails_in_words(actuators: Actuators) -> None:
    of = policy(services={"it": ServiceNoun("it", "it", probe=TcpProbe("127.0.0.1", 1))})
    assert perform(actuators, Probe("it"), of) is None
    told = report(actuators)
    assert not told.outcome.ok
    assert "127.0.0.1:1" in told.outcome.words


def test_a_purge_reports_when_the_spool_is_cleared_and_tells_later_what_it_deleted(
        actuators: Actuators, tmp_path: Path) -> None:
    spool = tmp_path / "var" / "spool"
    (spool / "old-1").mkdir(parents=True)
    (spool / "old-1" / "file").write_text("x")
    of = policy(spools={"s": SpoolNoun("s", str(spool), ("old-*",), stale_after_seconds=0.2)})
    time.sleep(0.4)
    assert perform(actuators, Purge("s", 10), of) is None
    told = report(actuators)
    assert told.outcome.ok, told.outcome.words
    assert list(spool.glob("old-*")) == []
    until = time.monotonic() + 5
    news: tuple[PurgeNote, ...] = ()
    while not news and time.monotonic() < until:
        actuators.reports(time.clock_gettime(time.CLOCK_BOOTTIME))
        news = actuators.news()
        time.sleep(0.02)
    assert news[0].intent_id == told.intent_id
    assert news[0].outcome.ok
    assert "1 entry deleted" in news[0].outcome.words
    assert told.cleared == 1


def stale_entries(spool: Path, count: int) -> Policy:
    """A policy about a spool with so many stale directories in it."""
    for number in range(count):
        (spool / f"old-{number}").mkdir(parents=True)
        (spool / f"old-{number}" / "file").write_text("x")
    time.sleep(0.4)
    return policy(spools={"s": SpoolNoun("s", str(spool), ("old-*",), stale_after_seconds=0.2)})


def test_a_gentle_purge_reports_once_when_everything_is_deleted(actuators: Actuators, tmp_path: Path) -> None:
    spool = tmp_path / "var" / "spool"
    of = stale_entries(spool, 3)
    (spool / "old-link").symlink_to("old-0")
    assert perform(actuators, Purge("s", 10, gently=True), of) is None
    told = report(actuators)
    assert (told.outcome.ok, told.cleared) == (True, 3)
    assert told.outcome.words.startswith("3 entries cleared, kept 1: 1 is a symbolic link")
    assert "; 3 entries deleted (3 files" in told.outcome.words
    assert [path.name for path in spool.parent.iterdir()] == ["spool"]
    assert actuators.news() == ()


def test_a_gentle_purge_that_is_halted_ends_at_once_and_the_next_purge_finishes_what_it_began(
        actuators: Actuators, tmp_path: Path) -> None:
    spool = tmp_path / "var" / "spool"
    of = stale_entries(spool, 600)
    perform(actuators, Purge("s", 5000, gently=True), of)
    until = time.monotonic() + 10
    while len(list(spool.iterdir())) == 600:
        assert time.monotonic() < until
        actuators.reports(0.0)
        time.sleep(0.005)
    actuators.halt_purges({"s": "something comes first"}, 0.0)
    told = report(actuators)
    assert told.outcome.ok is None
    assert told.outcome.words.endswith("ended early: something comes first")
    assert len(list(spool.parent.iterdir())) == 2
    assert perform(actuators, Purge("s", 5000), of) is None
    assert report(actuators, 20).outcome.ok
    while not actuators.news():
        assert time.monotonic() < until + 20
        actuators.reports(0.0)
        time.sleep(0.02)
    assert list(spool.iterdir()) == []
    assert [path.name for path in spool.parent.iterdir()] == ["spool"]


def test_only_gentle_purges_can_be_halted(actuators: Actuators, tmp_path: Path) -> None:
    of = stale_entries(tmp_path / "var" / "spool", 2)
    perform(actuators, Purge("s", 10), of)
    actuators.halt_purges({"s": "something comes first"}, 0.0)
    assert report(actuators).outcome.ok


def test_a_refused_spool_is_reported_and_untouched(actuators: Actuators, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    of = policy(spools={"s": SpoolNoun("s", str(tmp_path / "link"), ("*",), stale_after_seconds=0.1)})
    assert perform(actuators, Purge("s", 10), of) is None
    assert not report(actuators).outcome.ok


def test_waiting_for_ended_processes_leaks_no_descriptor(actuators: Actuators) -> None:
    def kill_one() -> int:
        """Descriptors in use after a kill and its report."""
        victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
        of = Policy(processes={"victim": ProcessNoun("victim", exe=(re.compile(re.escape(os.path.realpath(
            f"/proc/{victim.pid}/exe"))),))})
        until = time.monotonic() + 5
        while victim.pid not in look(of).processes or look(of).processes[victim.pid].facts.exe is None:
            assert time.monotonic() < until
        done = perform(actuators, Signal(identity(victim, of), "python", SignalName.KILL, "victim"), of)
        assert done is not None and done.ok, done
        victim.wait()
        actuators.reports(0.0)
        gc.collect()  # the tables of the looks
        return len(os.listdir("/proc/self/fd"))

    first = kill_one()  # what is opened once for all is open now
    for _ in range(4):
        kill_one()
    until = time.monotonic() + 5
    while len(os.listdir("/proc/self/fd")) > first:  # whose memory is being released is still held by its descriptor
        assert time.monotonic() < until
        actuators.reports(0.0)
        time.sleep(0.01)


@pytest.mark.parametrize(("name", "sent"), [(SignalName.TERM, False), (SignalName.KILL, True)])
def test_who_is_no_longer_as_large_gets_no_term_and_who_got_term_gets_the_kill(
        actuators: Actuators, child: subprocess.Popen[bytes], name: SignalName, sent: bool) -> None:
    large = replace(SLEEPER, rss_above=Size(amount_bytes=1 << 40))
    rules = Policy(processes={"sleeper": large})
    outcome = perform(actuators, Signal(identity(child, rules), "sleep", name, noun="sleeper"), rules)
    assert outcome is not None
    assert outcome.ok is sent, outcome.words


def test_the_last_look_knows_an_orphan_and_an_exception(
        actuators: Actuators, child: subprocess.Popen[bytes]) -> None:
    for noun in (replace(SLEEPER, orphaned=True), replace(SLEEPER, excepted=("twin",))):
        rules = Policy(processes={"sleeper": noun, "twin": replace(SLEEPER, name="twin")})
        outcome = perform(actuators, Signal(identity(child, rules), "sleep", SignalName.TERM, noun="sleeper"), rules)
        assert outcome == Outcome(False, "the rule no longer matches it")
    assert child.poll() is None

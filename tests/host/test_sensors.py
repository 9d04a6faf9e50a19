from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog_oom.core.actions import Watch
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.nouns import ProcessNoun, ServiceNoun, Size, SpoolNoun
from watchdog_oom.core.policy import Limit, Policy
from watchdog_oom.host.children.spawn import spawn_work
from watchdog_oom.host.sensors import Sensors, units_of
from watchdog_oom.host.services.lsb import Lsb


@pytest.fixture
def sensors(tmp_path: Path) -> Iterator[Sensors]:
    script = tmp_path / "init.d" / "it"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    kmsg = tmp_path / "kmsg"
    os.mkfifo(kmsg)
    made = Sensors("/proc", Lsb(str(tmp_path / "init.d")), kmsg=str(kmsg))
    yield made
    made.close()


def test_one_look_holds_the_host_as_it_is(sensors: Sensors) -> None:
    snapshot = sensors.look(Policy(), Watch(), ())
    assert snapshot.memory is not None and snapshot.memory.total_bytes > 0
    assert os.getpid() in snapshot.processes
    assert {os.getpid(), os.getppid()} <= {identity.pid for identity in snapshot.lineage}
    assert snapshot.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_facts_of_candidates_are_in_the_look_and_of_nobody_else(sensors: Sensors) -> None:
    exe = os.path.realpath("/proc/self/exe")
    noun = ProcessNoun("me", comm=(re.compile(re.escape(Path("/proc/self/comm").read_text().strip())),),
                       exe=(re.compile(re.escape(exe)),))
    snapshot = sensors.look(Policy(processes={"me": noun}), Watch(), ())
    assert snapshot.processes[os.getpid()].facts.exe == exe
    assert snapshot.processes[os.getppid()].facts.cmdline is None


def test_another_policy_is_looked_at_for_what_it_asks_from_the_next_look_on(sensors: Sensors) -> None:
    """What a policy asks for is worked out once for each: never that of another one."""
    me = ProcessNoun("me", comm=(re.compile(re.escape(Path("/proc/self/comm").read_text().strip())),))
    about_me = Policy(processes={"me": me}, limits={"me": Limit("me", "me", swap=Size(percent=90.0))})
    for policy, read in ((Policy(), False), (about_me, True), (about_me, True), (Policy(), False)):
        found = sensors.look(policy, Watch(), ()).processes[os.getpid()]
        assert (found.swap_bytes is not None) is read


def test_watched_services_are_asked_in_the_background_and_come_with_their_moment(sensors: Sensors) -> None:
    policy = Policy(services={"it": ServiceNoun("it", "it.service")})
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        states = sensors.look(policy, Watch(frozenset({"it"}), often=True), ()).services
        if states:
            break
        time.sleep(0.02)
    assert states["it"].status is ServiceStatus.INACTIVE
    assert states["it"].sensed_boottime >= before


def test_spools_are_scanned_and_a_changed_policy_forgets_them(sensors: Sensors, tmp_path: Path) -> None:
    spool = tmp_path / "var" / "spool"
    (spool / "entry").mkdir(parents=True)
    policy = Policy(spools={"s": SpoolNoun("s", str(spool), ("*",), 3600.0)})
    until = time.monotonic() + 5
    while "s" not in (states := sensors.look(policy, Watch(), ()).spools):
        assert time.monotonic() < until
    assert states["s"].entries == 1
    assert sensors.look(Policy(), Watch(), ()).spools == {}


def test_a_trigger_stands_for_its_own_unit() -> None:
    policy = Policy(services={"it": ServiceNoun("it", "it.service", triggers=("it.socket",))})
    assert units_of(policy, ["it", "it.socket"]) == {"it": "it.service", "it.socket": "it.socket"}


def test_looking_for_long_leaks_no_descriptor(sensors: Sensors) -> None:
    for _ in range(3):
        sensors.look(Policy(), Watch(), ())
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        child = subprocess.Popen([sys.executable, "-c", ""])
        sensors.look(Policy(), Watch(), ())
        child.wait()
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_daemons_own_helpers_are_out_of_reach_and_programs_that_it_started_are_not(sensors: Sensors) -> None:
    helper = spawn_work(lambda _: time.sleep(60))
    program = subprocess.Popen(["sleep", "60"])
    try:
        until = time.monotonic() + 5
        while Path(f"/proc/{program.pid}/comm").read_text() != "sleep\n":
            assert time.monotonic() < until
            time.sleep(0.01)
        snapshot = sensors.look(Policy(), Watch(), ())
        assert helper.pid in snapshot.processes and program.pid in snapshot.processes
        out_of_reach = {identity.pid for identity in snapshot.lineage}
        assert helper.pid in out_of_reach and program.pid not in out_of_reach
    finally:
        helper.kill()
        os.waitpid(helper.pid, 0)
        helper.close()
        program.kill()
        program.wait()

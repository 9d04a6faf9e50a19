"""Protection that lasts and what comes after a kernel kill, end to end: real processes, a real daemon, real kills."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.miniature.daemon import MakeDaemon, Spawn
from tests.miniature.mailserver import MailServer

SLEEPS = "import time; time.sleep(300)"
ADJUSTED = f"open('/proc/self/oom_score_adj', 'w').write('300'); {SLEEPS}"
needs_root = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]


def oom_score_adj(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def joins(group: Path) -> str:
    """Code with which a process enters a control group."""
    return f"import os; open('{group}/cgroup.procs', 'w').write(str(os.getpid())); "


@pytest.fixture
def groups() -> Iterator[list[Path]]:
    """Control groups to be removed once their processes are gone."""
    made: list[Path] = []
    yield made
    for group in reversed(made):
        with suppress(OSError):
            for pid in (group / "cgroup.procs").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        for _ in range(500):
            try:
                group.rmdir()
                break
            except OSError:
                signal.sigtimedwait([], 0.01)


def make(groups: list[Path], *candidates: Path) -> Path:
    for group in candidates:
        with suppress(OSError):
            group.mkdir()
            groups.append(group)
            return group
    pytest.skip("no control group of this kind can be made here")


def test_a_restarted_service_is_protected_again_within_a_tick_near_an_emergency_and_gets_its_own_value_back(
        daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    watch = daemon(f'[process.hogger]\nexe = "{home}/bin/hogger"\n[protect.hogger]\nprocess = "hogger"\n'
                   f'oom_score_adj = 100\n'
                   '[emergency]\nmode = "observe"\nmemory_available_below = "100%"\nswap_free_below = "100%"\n')
    watch.start()
    first = spawn(ADJUSTED)
    watch.wait_for(lambda: oom_score_adj(first.pid) == 100, 5, "the first protection")
    first.kill()
    first.wait()
    second = spawn(ADJUSTED)
    assert second.pid != first.pid
    took = watch.wait_for(lambda: oom_score_adj(second.pid) == 100, 5, "the protection after the restart")
    assert took < 1.0 + 2.0, "a tick is at most a second, and the program needs a moment to begin"
    watch.wait_for(lambda: watch.records("outcome", rule="protect.hogger")[-1]["target"]["pid"] == second.pid, 5,
                   "the record, which follows the act")
    written = [(record["target"]["pid"], record["before"], record["after"])
               for record in watch.records("outcome", rule="protect.hogger")]
    assert written[0] == (first.pid, 300, 100)
    assert written[-1] == (second.pid, 300, 100)
    watch.wait_for(lambda: [entry["pid"] for entry in watch.status()["protected"]] == [second.pid], 5,
                   "the status, which follows the record")
    assert watch.stop() == 0
    assert oom_score_adj(second.pid) == 300


def contained(home: Path, what: str) -> str:
    return (f'[process.hogger]\nexe = "{home}/bin/hogger"\n[limit.hogger]\nprocess = "hogger"\nruntime = "500ms"\n'
            f'then = "contain"\nmemory_high = "1GiB"\n{what}')


SERVICE = '[services]\nmanager = "service"\n'


@pytest.mark.slow
def test_a_leaker_in_no_unit_is_reported_and_lives(
        daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    watch = daemon(contained(home, ""), config=SERVICE)
    watch.start()
    child = spawn(SLEEPS)
    watch.wait_for(lambda: watch.records("incident", rule="limit.hogger"), 8, "the report")
    record, = watch.records("incident", rule="limit.hogger")
    assert f"reported: hogger[{child.pid}] cannot be contained: it is not in a systemd unit" == record["result"]
    assert watch.records("intent") == []
    assert child.poll() is None


@needs_root[0]
@needs_root[1]
def test_without_systemd_a_leaker_in_a_unit_is_reported_with_the_unit_and_lives(
        daemon: MakeDaemon, spawn: Spawn, home: Path, groups: list[Path]) -> None:
    unit = f"hogger-{os.getpid()}.service"
    group = make(groups, Path("/sys/fs/cgroup/systemd") / unit, Path("/sys/fs/cgroup") / unit)
    watch = daemon(contained(home, ""), config=SERVICE)
    watch.start()
    child = spawn(joins(group) + SLEEPS)
    watch.wait_for(lambda: watch.records("incident", rule="limit.hogger"), 8, "the report")
    result = watch.records("incident", rule="limit.hogger")[0]["result"]
    assert result.startswith(f"reported: {unit} cannot be contained: the service manager reports no MemoryHigh for it")
    assert child.poll() is None
    assert watch.status()["contained"] == []


def can_read_kmsg() -> bool:
    try:
        os.close(os.open("/dev/kmsg", os.O_RDONLY))
    except OSError:
        return False
    return True


def swap_is_on() -> bool:
    return len(Path("/proc/swaps").read_text().splitlines()) > 1


@pytest.mark.slow
@needs_root[0]
@needs_root[1]
@pytest.mark.skipif(not can_read_kmsg(), reason="no /dev/kmsg")
@pytest.mark.skipif(swap_is_on(), reason="with swap the kernel swaps instead of killing")
def test_a_service_whose_process_the_kernel_really_killed_is_started_again_and_probed(
        daemon: MakeDaemon, mailserver: MailServer, spawn: Spawn, home: Path, groups: list[Path]) -> None:
    name = f"watchdog-oom-test-{os.getpid()}.slice"
    outer = make(groups, Path("/sys/fs/cgroup/memory") / name, Path("/sys/fs/cgroup") / name)
    with suppress(OSError):  # where it is the second version of control groups
        (outer / "cgroup.subtree_control").write_text("+memory")
    group = make(groups, outer / "amavis.service")  # what dies in a control group of another name explains nothing
    limit = next(group / limit for limit in ("memory.limit_in_bytes", "memory.max") if (group / limit).exists())
    limit.write_text(str(32 << 20))
    watch = daemon(f'''
[process.hogger]
exe = "{home}/bin/hogger"
[service.amavis]
unit = "amavis.service"
probe = {{ tcp = "127.0.0.1:{mailserver.port}", expect = "220", within = "20s" }}
[protect.hogger]
process = "hogger"
[recover.amavis]
when = [ {{ kernel_oom_kill = "hogger", memory_available_above = "1%" }} ]
steps = [ {{ start = ["amavis"] }}, {{ verify = "amavis" }} ]
''', config=f'[services]\nmanager = "service"\ninit_dir = "{mailserver.init_dir}"\n')
    watch.start()
    assert mailserver.service("status") == 3
    child = spawn(joins(group) + "import time; time.sleep(1.5); held = [b'x' * (1 << 20) for _ in range(256)]")
    assert child.wait(20) == -signal.SIGKILL
    watch.wait_for(lambda: any((record["result"] or "").startswith("closed: success")
                               for record in watch.records("incident")), 20, "the recovery")
    opened = next(record for record in watch.records("incident") if record["result"] == "opened")
    assert f"the kernel killed hogger[{child.pid}]" in " ".join(opened["because"])
    assert mailserver.service("status") == 0
    assert mailserver.greeting().startswith(b"220")

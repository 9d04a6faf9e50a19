"""What units hold: made-up trees of both versions, what goes wrong in them, and a real group of this host."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import mib, policy, service_state, step, when
from tests.miniature.groups import RealGroup
from watchdog_oom.core.conditions.service import ServiceIs
from watchdog_oom.core.memory import ServiceMemory
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.policy import Recover, Verb
from watchdog_oom.host.memory.group_files import V1, V2, Layout
from watchdog_oom.host.memory.service_memory import (
    AGAIN_SECONDS,
    ServiceMemoryReader,
    counted_services,
    usual_groups,
)

MIB = 1 << 20
CACHE = {V1: "total_inactive_file", V2: "inactive_file"}


class Tree:
    """A made-up /proc and a made-up hierarchy; ``top`` is the group that stands where it is mounted."""

    def __init__(self, root: Path, layout: Layout = V2, top: str = "/", *, grouped: bool = True) -> None:
        self.layout, self.groups = layout, root / "groups"
        self.groups.mkdir()
        kind = "cgroup2 cgroup2 rw" if layout is V2 else "cgroup cgroup rw,memory"
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/self/mountinfo").write_text(f"31 25 0:28 {top} {self.groups} rw,relatime - {kind}\n")
        self.reader = ServiceMemoryReader(str(root / "proc"), grouped=grouped)
        self.now = 100.0

    def put(self, path: str, used_mib: int, cache_mib: int = 0) -> Path:
        group = self.groups / path.lstrip("/")
        group.mkdir(parents=True, exist_ok=True)
        (group / self.layout.limit).write_text("9223372036854771712\n")
        (group / self.layout.usage).write_text(f"{used_mib * MIB}\n")
        # Version 1 also says what the group has of its own, without those below it.
        (group / "memory.stat").write_text(f"active_file {7 * MIB}\n{CACHE[self.layout]} {cache_mib * MIB}\n")
        return group

    def read(self, unit: str = "app.service", group: str = "", *, status: ServiceStatus = ServiceStatus.ACTIVE,
             later: float = AGAIN_SECONDS) -> ServiceMemory:
        self.now += later
        states = {"app": service_state(unit, status, control_group=group)}
        memory = self.reader.complete(states, ["app"], self.now)["app"].memory
        assert memory is not None
        return memory


@pytest.mark.parametrize("layout", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize(("unit", "group"), [
    ("app", "/system.slice/app.service"), ("app.service", "/system.slice/app.service"),
    ("web-app@blue.service", r"/system.slice/system-web\x2dapp.slice/web-app@blue.service")])
def test_without_a_word_from_the_manager_a_unit_is_where_systemd_puts_it(
        tmp_path: Path, layout: Layout, unit: str, group: str) -> None:
    tree = Tree(tmp_path, layout)
    tree.put(group, 1000, 300)
    assert tree.read(unit) == ServiceMemory(700 * MIB, 300 * MIB)


def test_where_the_manager_says_it_is_is_where_it_is_read_and_nowhere_else(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.put("/system.slice/app.service", 9)
    tree.put("/company.slice/company-web.slice/app.service", 50)
    assert tree.read(group="/company.slice/company-web.slice/app.service").held_bytes == 50 * MIB
    assert tree.read(group="/elsewhere.slice/app.service").held_bytes is None
    assert tree.read(group="/company.slice/company-web.slice/app.service", later=0).held_bytes == 50 * MIB


def test_a_group_that_was_told_once_is_remembered_while_the_manager_does_not_answer(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.put("/web.slice/app.service", 50)
    assert tree.read(group="/web.slice/app.service").held_bytes == 50 * MIB
    assert tree.read(status=ServiceStatus.UNKNOWN).held_bytes == 50 * MIB


def test_below_a_mount_that_shows_a_part_of_the_tree_the_rest_of_the_path_is_followed(tmp_path: Path) -> None:
    tree = Tree(tmp_path, V1, top="/docker/abc")
    tree.put("/system.slice/app.service", 40)
    assert tree.read(group="/docker/abc/system.slice/app.service").held_bytes == 40 * MIB


@pytest.mark.parametrize(("top", "group"), [
    ("/a", "/secret"), ("/", "/../secret"), ("/", "/system.slice/../../secret"), ("/", "secret")])
def test_no_path_leads_out_of_the_hierarchy(tmp_path: Path, top: str, group: str) -> None:
    tree = Tree(tmp_path, top=top)
    tree.put("../secret", 40)
    assert (tmp_path / "secret/memory.current").exists()
    assert tree.read(group=group).held_bytes is None


def test_more_cache_than_use_is_no_less_than_nothing(tmp_path: Path) -> None:
    """The two files are read one after the other, and the kernel adds the second up lazily."""
    tree = Tree(tmp_path)
    tree.put("/system.slice/app.service", 10, 12)
    assert tree.read() == ServiceMemory(0, 10 * MIB)


def test_a_unit_that_is_down_holds_nothing_but_only_where_every_unit_has_a_group(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    assert tree.read(status=ServiceStatus.INACTIVE) == ServiceMemory(0)
    assert tree.read(status=ServiceStatus.ACTIVE).held_bytes is None
    tree.put("/system.slice/app.service", 30)  # what is left of it counts
    assert tree.read(status=ServiceStatus.FAILED).held_bytes == 30 * MIB


def test_an_init_script_without_a_group_is_not_known_in_any_state(tmp_path: Path) -> None:
    tree = Tree(tmp_path, grouped=False)
    for status in (ServiceStatus.ACTIVE, ServiceStatus.INACTIVE):
        memory = tree.read("app", status=status)
        assert memory.held_bytes is None
        assert memory.problem == "it has no control group of its own in which memory is accounted for"


def test_a_group_without_an_account_of_memory_is_not_known(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    (tree.groups / "system.slice/app.service").mkdir(parents=True)
    assert "no control group of its own in which memory" in tree.read().problem


def test_a_host_without_such_a_hierarchy_says_so(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    (tmp_path / "proc/self/mountinfo").write_text("25 1 0:23 / /sys rw - sysfs sysfs rw\n")
    assert tree.read() == ServiceMemory(problem="this host keeps no account of memory by control group")
    (tmp_path / "proc/self/mountinfo").unlink()
    assert "keeps no account" in ServiceMemoryReader(str(tmp_path / "proc"), grouped=True).complete(
        {"a": service_state("a")}, ["a"], 1.0)["a"].memory.problem  # type: ignore[union-attr]


@pytest.mark.parametrize(("name", "content"), [("memory.current", ""), ("memory.current", "max\n")])
def test_a_file_that_says_nothing_is_not_known(tmp_path: Path, name: str, content: str) -> None:
    tree = Tree(tmp_path)
    (tree.put("/system.slice/app.service", 10) / name).write_text(content)
    assert tree.read().held_bytes is None and tree.read().problem


def test_a_group_is_read_once_a_second_however_often_one_looks(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.put("/system.slice/app.service", 10)
    assert tree.read().held_bytes == 10 * MIB
    tree.put("/system.slice/app.service", 20)
    assert tree.read(later=0.3).held_bytes == tree.read(later=0.3).held_bytes == 10 * MIB
    assert tree.read(later=0.5).held_bytes == 20 * MIB


def test_only_what_is_asked_about_is_read_and_what_is_not_any_more_is_closed(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.put("/system.slice/app.service", 10)
    states = {"app": service_state("app.service"), "other": service_state("other.service")}
    before = len(os.listdir("/proc/self/fd"))
    completed = tree.reader.complete(states, ["app", "unheard of"], 1.0)
    assert completed["other"].memory is None and completed["app"].memory == ServiceMemory(10 * MIB)
    assert len(os.listdir("/proc/self/fd")) > before
    assert tree.reader.complete(states, [], 2.0) == states
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_group_that_comes_and_goes_is_followed(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    assert tree.read().held_bytes is None
    group = tree.put("/system.slice/app.service", 10)
    assert tree.read().held_bytes == 10 * MIB
    tree.reader.close()
    shutil.rmtree(group)
    assert tree.read(status=ServiceStatus.INACTIVE).held_bytes == 0


@given(st.text(alphabet="ab-@\\x2d.:_", min_size=1, max_size=20))
def test_the_usual_places_of_any_unit_lie_below_the_systems_slice(unit: str) -> None:
    for path in usual_groups(unit):
        assert path.startswith("/system.slice/") and "/../" not in path


def test_only_services_of_a_clause_about_memory_are_read() -> None:
    rules = policy(Recover("x", (when(ServiceIs("a", memory_above=mib(1))), when(ServiceIs("b", failed=True))),
                           (step(Verb.RESTART, "c"),)))
    assert counted_services(rules) == {"a"}


@pytest.mark.root
def test_a_real_unit_holds_what_its_process_took_without_the_files_it_read(
        tmp_path: Path, real_group: Callable[[str], RealGroup]) -> None:
    group = real_group("system.slice/watchdog-oom-test-app.service")
    data = tmp_path / "data"
    program = ("import sys, time; held = bytearray(b'x' * (300 << 20)); "
               "open(sys.argv[1], 'wb').write(b'y' * (40 << 20)); open(sys.argv[1], 'rb').read(); "
               "print('ready', flush=True); time.sleep(60)")
    process = subprocess.Popen([sys.executable, "-c", program, str(data)], preexec_fn=group.enter,
                               stdout=subprocess.PIPE)
    reader = ServiceMemoryReader(grouped=True)
    states = {"app": service_state("watchdog-oom-test-app.service")}
    try:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        memory = reader.complete(states, ["app"], 1.0)["app"].memory
        assert memory is not None and memory.held_bytes is not None
        assert 300 * MIB <= memory.held_bytes < 339 * MIB, memory
        assert memory.cache_bytes >= 30 * MIB
    finally:
        process.kill()
        process.communicate()
    group.remove()
    assert reader.complete(states, ["app"], 2.0)["app"].memory == ServiceMemory(
        problem="it has no control group of its own in which memory is accounted for")
    reader.close()

"""Limits of control groups: made-up trees of both versions, and one real group of this host."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.memory import Memory
from watchdog_oom.host.memory.group_files import V1, V2, GroupMemory, group_mount, group_path
from watchdog_oom.host.memory.group_limit import GroupLimit, bounded
from watchdog_oom.host.memory.meminfo import MemoryReader

MIB = 1 << 20
HOST = Memory(16 << 30, 9 << 30, 4 << 30, 2 << 30, 1 << 30)


class Container:
    """A made-up /proc and a made-up tree of control groups, version 2 unless said otherwise."""

    def __init__(self, root: Path, own: str = "/", first: str = "/init.scope", *, version: int = 2,
                 top: str = "/") -> None:
        self.proc, self.tree = root / "proc", root / "sys fs cgroup"
        self.tree.mkdir()
        prefix = "0::" if version == 2 else "4:cpu,memory:"
        point = str(self.tree).replace(" ", "\\040")
        kind = "cgroup2 cgroup2 rw,nsdelegate" if version == 2 else "cgroup cgroup rw,memory"
        for pid, path in (("self", own), ("1", first)):
            (self.proc / pid).mkdir(parents=True)
            (self.proc / pid / "cgroup").write_text(f"12:pids:/x\n{prefix}{path}\n")
        (self.proc / "self/mountinfo").write_text(f"25 1 0:23 / /sys rw - sysfs sysfs rw\n"
                                                  f"31 25 0:28 {top} {point} rw,relatime shared:9 - {kind}\n")

    def limit(self, path: str, limit_mib: int | str, used_mib: int = 0, **stat_mib: int) -> None:
        group = self.tree / path
        group.mkdir(parents=True, exist_ok=True)
        (group / "memory.max").write_text("max\n" if limit_mib == "max" else f"{int(limit_mib) * MIB}\n")
        (group / "memory.current").write_text(f"{used_mib * MIB}\n")
        (group / "memory.stat").write_text("".join(f"{name} {mib * MIB}\n" for name, mib in stat_mib.items()))

    def bound(self) -> Memory:
        limit = GroupLimit(str(self.proc))
        try:
            return limit.bound(HOST)
        finally:
            limit.close()


def test_a_containers_limit_below_the_hosts_memory_is_what_there_is(tmp_path: Path) -> None:
    container = Container(tmp_path)
    container.limit(".", 512, 500, anon=400, shmem=90, file_mapped=30, inactive_file=10, active_file=20)
    memory = container.bound()
    assert (memory.total_bytes, memory.available_bytes) == (512 * MIB, 42 * MIB)
    assert (memory.anonymous_bytes, memory.shared_bytes) == (400 * MIB, 30 * MIB)
    assert memory.group == "/"


def test_version_1_says_the_same_with_other_names(tmp_path: Path) -> None:
    container = Container(tmp_path, "/docker/abc/app", "/docker/abc", version=1, top="/docker/abc")
    (container.tree / "app").mkdir()
    for name, text in (("memory.limit_in_bytes", f"{512 * MIB}"), ("memory.usage_in_bytes", f"{500 * MIB}"),
                       ("memory.stat", f"rss 1\ntotal_rss {400 * MIB}\ntotal_inactive_file {10 * MIB}"),
                       ("memory.memsw.limit_in_bytes", f"{768 * MIB}"),
                       ("memory.memsw.usage_in_bytes", f"{600 * MIB}")):
        (container.tree / name).write_text(text)
    memory = container.bound()
    assert (memory.total_bytes, memory.available_bytes, memory.anonymous_bytes) == (512 * MIB, 22 * MIB, 400 * MIB)
    assert (memory.swap_total_bytes, memory.swap_free_bytes) == (256 * MIB, 156 * MIB)


def test_of_several_limits_on_the_way_up_the_tightest_holds_and_it_may_change(tmp_path: Path) -> None:
    container = Container(tmp_path, "/pod/box/daemon", "/pod/box/init")
    container.limit("pod", 1024, 900)
    container.limit("pod/box", "max", 100)
    assert container.bound().total_bytes == 1024 * MIB
    container.limit("pod/box", 128, 100)
    assert container.bound().total_bytes == 128 * MIB


def test_swap_that_is_forbidden_to_the_container_does_not_exist(tmp_path: Path) -> None:
    container = Container(tmp_path)
    container.limit(".", 512, 100, anon=100)
    assert container.bound().swap_total_bytes == 2 << 30
    (container.tree / "memory.swap.max").write_text("0\n")
    (container.tree / "memory.swap.current").write_text("0\n")
    assert (container.bound().swap_total_bytes, container.bound().swap_free_bytes) == (0, 0)


def test_a_limit_of_the_daemons_own_unit_is_not_taken_for_the_hosts_memory_and_that_is_said(tmp_path: Path) -> None:
    container = Container(tmp_path, "/system.slice/watchdog-oomd.service", "/init.scope")
    container.limit("system.slice/watchdog-oomd.service", 1, 1)
    assert container.bound() == HOST
    limit = GroupLimit(str(container.proc))
    assert "limited to 1 MiB, and pid 1 is outside" in limit.trouble


@pytest.mark.parametrize(("own", "first"), [("/../other", "/../other"), ("/", "/../pause"), ("no path", "/")])
def test_groups_that_cannot_be_seen_bound_nothing(tmp_path: Path, own: str, first: str) -> None:
    container = Container(tmp_path, own, first)
    container.limit(".", 512, 500)
    assert container.bound() == HOST


def test_a_limit_above_what_there_is_or_a_group_that_cannot_be_read_bounds_nothing(tmp_path: Path) -> None:
    container = Container(tmp_path)
    assert container.bound() == HOST
    container.limit(".", 1 << 20, 500)
    assert container.bound() == HOST
    container.limit(".", 512, 500)
    (container.tree / "memory.current").unlink()
    assert container.bound() == HOST


def test_a_recorded_proc_without_control_groups_bounds_nothing(tmp_path: Path) -> None:
    limit = GroupLimit(str(tmp_path))
    assert limit.bound(HOST) == HOST
    limit.close()


_amounts = st.integers(0, 20 << 30)


@given(st.builds(GroupMemory, st.integers(1, 20 << 30), _amounts, _amounts, _amounts, _amounts,
                 st.none() | _amounts, _amounts))
def test_whatever_a_group_says_the_bounded_memory_makes_sense_and_is_no_more_than_the_hosts(group: GroupMemory) -> None:
    memory = bounded(HOST, group, "/x")
    assert 0 <= memory.available_bytes <= memory.userspace_bytes <= memory.total_bytes <= HOST.total_bytes
    assert 0 <= memory.swap_free_bytes <= memory.swap_total_bytes <= HOST.swap_total_bytes
    assert memory.available_bytes <= HOST.available_bytes


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_limit_of_a_real_group_is_read(tmp_path: Path) -> None:
    mounts = Path("/proc/self/mountinfo").read_bytes()
    own = Path("/proc/self/cgroup").read_bytes()
    layout = V1 if group_mount(mounts, V1) and group_path(own, V1) is not None else V2
    mount = group_mount(mounts, layout)
    if mount is None or mount[1] != "/":
        pytest.skip("the control groups of this host are not in sight")
    group = Path(mount[0]) / f"watchdog-oom-limit-{os.getpid()}"
    try:
        group.mkdir()
        (group / layout.limit).write_text(str(64 * MIB))
    except OSError:
        with suppress(OSError):
            group.rmdir()
        pytest.skip("no memory control group can be made here")
    try:
        proc = tmp_path / "proc"
        for pid in ("self", "1"):
            (proc / pid).mkdir(parents=True)
            line = f"4:memory:/{group.name}" if layout is V1 else f"0::/{group.name}"
            (proc / pid / "cgroup").write_text(line + "\n")
        (proc / "self/mountinfo").write_bytes(mounts)
        (proc / "meminfo").write_bytes(Path("/proc/meminfo").read_bytes())
        reader = MemoryReader(str(proc))
        memory = reader.read()
        reader.close()
        assert memory is not None
        assert memory.total_bytes == 64 * MIB and 60 * MIB <= memory.available_bytes <= 64 * MIB
    finally:
        group.rmdir()

"""The running host's settings, judged on made-up ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchdog_oom.cli.diagnose.host import HostFacts, HostSetting, judged, read_host
from watchdog_oom.lean_dataclasses import replace

GIB = 1 << 30


def facts(swap: tuple[int, int] = (GIB, GIB), swaps: tuple[tuple[str, int], ...] = (), **vm: int) -> HostFacts:
    return HostFacts(vm, {"MemTotal": GIB, "SwapFree": swap[0], "SwapTotal": swap[1], "CommitLimit": GIB,
                          "Committed_AS": 2 * GIB}, swaps, None, None)


def one(name: str, known: HostFacts) -> HostSetting:
    return next(setting for setting in judged(known) if setting.name == name)


@pytest.mark.parametrize(("name", "value", "good"), [
    ("overcommit_memory", 0, True), ("overcommit_memory", 1, None), ("overcommit_memory", 2, None),
    ("swappiness", 60, True), ("swappiness", 0, False), ("swappiness", 150, None), ("panic_on_oom", 0, True),
    ("panic_on_oom", 2, None), ("oom_dump_tasks", 1, True), ("oom_dump_tasks", 0, False),
    ("oom_kill_allocating_task", 0, True), ("oom_kill_allocating_task", 1, None),
    ("min_free_kbytes", 500, False), ("min_free_kbytes", 10_000, True), ("min_free_kbytes", 100_000, False)])
def test_each_setting_is_judged(name: str, value: int, good: bool | None) -> None:
    known = facts()
    assert one(f"vm.{name}", replace(known, vm={name: value})).good is good


def test_no_swap_full_swap_and_swap_with_room_differ() -> None:
    assert one("swap", facts((0, 0))).value == "none"
    assert one("swap", facts((GIB // 100, GIB))).good is False
    assert one("swap", facts()).good


def test_zram_is_told_and_too_much_of_it_is_not_good() -> None:
    assert one("zram", facts(swaps=(("/dev/zram0", GIB),))).good
    assert not one("zram", facts(swaps=(("/dev/zram0", 3 * GIB),))).good
    assert [setting.name for setting in judged(facts(swaps=(("/swapfile", GIB),)))] == ["swap"]
    assert one("vm.swappiness", facts(swaps=(("/dev/zram0", GIB),), swappiness=150)).good


def test_a_host_is_read_from_its_proc_and_what_is_missing_or_strange_is_left_out(tmp_path: Path) -> None:
    assert read_host(str(tmp_path)) == HostFacts({}, {}, (), None, None)
    (tmp_path / "sys/vm").mkdir(parents=True)
    (tmp_path / "sys/vm/swappiness").write_text("60\n")
    (tmp_path / "sys/vm/panic_on_oom").write_text("strange\n")
    (tmp_path / "meminfo").write_text("MemTotal:  1024 kB\nHugePages_Total: 3\nstrange\n")
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n/dev/zram0 partition 1024 0 100\nstrange\n")
    (tmp_path / "vmstat").write_text("oom_kill 12\n")
    (tmp_path / "stat").write_text("cpu 1 2 3\nbtime 1700000000\n")
    assert read_host(str(tmp_path)) == HostFacts({"swappiness": 60}, {"MemTotal": 1 << 20, "HugePages_Total": 3},
                                                 (("/dev/zram0", 1 << 20),), 12, 1700000000)
    assert list(judged(read_host(str(tmp_path))))


def test_this_host_can_be_read() -> None:
    assert read_host("/proc").meminfo_bytes["MemTotal"] > 0

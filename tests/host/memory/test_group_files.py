"""Files of control groups: numbers, paths and mounts as kernels write them, and nonsense."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.host.memory.group_files import (
    V1,
    V2,
    GroupFiles,
    GroupMemory,
    group_mount,
    group_path,
    parse_limit,
    parse_stat,
)

_CGROUP = b"12:pids:/x\n4:cpu,memory:/docker/abc\n1:name=systemd:/y\n0::/system.slice/x.service\n"


def test_each_version_has_its_own_path() -> None:
    assert group_path(_CGROUP, V1) == "/docker/abc"
    assert group_path(_CGROUP, V2) == "/system.slice/x.service"
    assert group_path(b"12:pids:/x\n", V1) is None and group_path(b"4:memory:/x\n", V2) is None
    assert group_path(b"0::/../other\n", V2) is None


def test_the_mount_of_each_version_is_found_with_the_group_that_stands_there() -> None:
    mounts = (b"25 1 0:23 / /sys rw - sysfs sysfs rw\n"
              b"30 25 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
              b"31 25 0:28 /docker/abc /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
              b"32 25 0:29 / /sys/fs/my\\040group rw - cgroup2 cgroup2 rw\n")
    assert group_mount(mounts, V1) == ("/sys/fs/cgroup/memory", "/docker/abc")
    assert group_mount(mounts, V2) == ("/sys/fs/my group", "/")
    assert group_mount(mounts[:20], V2) is None


def test_what_a_group_holds_is_read_from_its_files_and_what_is_missing_is_nothing(tmp_path: Path) -> None:
    for name, text in (("memory.max", "1000"), ("memory.current", "900"),
                       ("memory.stat", "anon 500\nshmem 50\nfile_mapped 30\ninactive_file 40\nactive_file 60\nx y\n")):
        (tmp_path / name).write_text(text + "\n")
    files = GroupFiles(str(tmp_path), V2)
    assert files.bounds_memory and files.limit_bytes() == 1000
    assert files.read(1000) == GroupMemory(1000, 900, 500, 30, 100, None, 0)
    files.close()
    assert not GroupFiles(str(tmp_path / "none"), V2).bounds_memory


@given(st.binary(max_size=200))
def test_any_bytes_are_a_limit_a_path_a_mount_or_nothing(content: bytes) -> None:
    limit = parse_limit(content)
    assert limit is None or limit >= 0
    assert all(number >= 0 for number in parse_stat(content).values())
    for layout in (V1, V2):
        group_path(content, layout)
        group_mount(content, layout)


@pytest.mark.parametrize("content", [b"max\n", b"9223372036854771712\n", b"-1", b"", b"x"])
def test_no_limit_is_said_in_two_ways(content: bytes) -> None:
    assert parse_limit(content) is None

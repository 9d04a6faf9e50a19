"""Units by control groups: of the system's manager, and below it of a user's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.host.processes.control_group import path_of, read_units, units_of

HYBRID = b"12:memory:/%s\n11:pids:/%s\n1:name=systemd:/%s\n0::/%s\n"
USERS = b"/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize(("content", "unit"), [
    (b"0::/system.slice/amavis.service\n", "amavis.service"),
    (b"0::/system.slice/system-getty.slice/getty@tty1.service\n", "getty@tty1.service"),
    (b"0::/system.slice/amavis.service/payload/evil.service\n", "amavis.service"),
    (b"0::/user.slice/user-1000.slice/user@1000.service/app.slice/mariadb.service\n", "user@1000.service"),
    (b"0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"),
    (b"0::/init.scope\n", "init.scope"),
    (b"0::/system.slice/_cpu.service\n", "cpu.service"),
    (b"0::/system.slice/amavis.service (deleted)\n", "amavis.service"),
    (b"12:memory:/x.service\n1:name=systemd:/system.slice/clamd.service\n0::/\n", "clamd.service"),
    (b"0::/system.slice/a:b.service\n", "a:b.service"),
    (b"0::/../../system.slice/x.service\n", "x.service"),
    (b"0::/docker/4f6f/system.slice/mariadb.service\n", None),
    (b"0::/system.slice\n", None), (b"0::/\n", None), (b"", None), (b"garbage", None), (b"::::\n", None),
    (b"0::/system.slice/\xff.service\n", "\udcff.service"),
])
def test_the_unit_is_the_one_of_the_system_manager(content: bytes, unit: str | None) -> None:
    assert units_of(path_of(content))[0] == unit


@pytest.mark.parametrize(("parts", "unit"), [
    ((b"docker/abc", b"docker/abc", b"docker/abc", b"system.slice/containerd.service"), None),
    ((b"x", b"x", b"", b"system.slice/containerd.service"), None),
    ((b"x", b"x", b"system.slice", b"system.slice/containerd.service"), None),
    ((b"lxc/101", b"lxc/101", b"lxc/101/ns/system.slice/mariadb.service", b""), None),
    ((b"", b"", b"system.slice/mariadb.service", b""), "mariadb.service"),
    ((b"", b"", b"system.slice/mariadb.service", b"system.slice/other.service"), "mariadb.service"),
])
def test_where_both_versions_are_mounted_systemds_own_line_decides_also_that_there_is_no_unit(
        tmp_path: Path, parts: tuple[bytes, ...], unit: str | None) -> None:
    (tmp_path / "9").mkdir()
    for content in (HYBRID % parts, b"".join(reversed((HYBRID % parts).splitlines(keepends=True)))):
        (tmp_path / "9/cgroup").write_bytes(content)
        assert read_units(str(tmp_path), 9) == (unit, None)


@pytest.mark.parametrize(("path", "unit"), [
    (USERS + b"/app.slice/worker.service", "user@1000.service/worker.service"),
    (USERS + b"/worker.service", "user@1000.service/worker.service"),
    (USERS + b"/app.slice/worker.service/libpod-payload-1", "user@1000.service/worker.service"),
    (USERS + b"/user.slice/podman-7.scope/container", "user@1000.service/podman-7.scope"),
    (USERS + b"/init.scope", "user@1000.service/init.scope"),
    (USERS + b"/payload/worker.service", None),
    (USERS, None),
    (b"/system.slice/amavis.service/app.slice/worker.service", None),
    (b"/user.slice/user-1000.slice/session-3.scope/worker.service", None),
])
def test_what_a_users_own_manager_runs_is_named_below_that_manager(path: bytes, unit: str | None) -> None:
    assert units_of(path)[1] == unit


def test_a_process_that_is_gone_is_in_no_unit(tmp_path: Path) -> None:
    assert read_units(str(tmp_path), 9) == (None, None)


@given(st.binary(max_size=120))
def test_any_cgroup_file_is_a_unit_or_none(content: bytes) -> None:
    units_of(path_of(content))

"""Who lives in a control group, by a tree of directories as the kernel shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchdog_oom.host.services.systemd.cgroup import members


def group(root: Path, path: str, procs: str) -> None:
    (root / path).mkdir(parents=True, exist_ok=True)
    (root / path / "cgroup.procs").write_text(procs)


@pytest.mark.parametrize("tree", [".", "systemd", "unified"])
def test_the_members_of_a_group_and_of_those_below_it_are_found_in_every_kind_of_tree(tmp_path: Path,
                                                                                   tree: str) -> None:
    group(tmp_path / tree, "system.slice/a.service", "12\n7\n")
    group(tmp_path / tree, "system.slice/a.service/sub/deep", "30\n")
    group(tmp_path / tree, "system.slice/b.service", "99\n")
    assert members("/system.slice/a.service", str(tmp_path)) == (7, 12, 30)


def test_a_group_that_is_gone_has_no_members(tmp_path: Path) -> None:
    assert members("/system.slice/a.service", str(tmp_path)) == ()


@pytest.mark.parametrize("path", ["", "/", "a.service", "/../etc", "/a//b", "/a/../b", "/a/"])
def test_what_is_no_path_of_a_group_has_no_members(tmp_path: Path, path: str) -> None:
    group(tmp_path, ".", "1\n")
    group(tmp_path, "a", "1\n")
    group(tmp_path, "b", "1\n")
    group(tmp_path, "a.service", "1\n")
    assert members(path, str(tmp_path)) == ()


def test_what_is_no_pid_of_ours_is_left_out(tmp_path: Path) -> None:
    group(tmp_path, "a", "0\n12\nx\n\xff\n-5\n")
    assert members("/a", str(tmp_path)) == (12,)


def test_a_link_inside_a_group_is_not_followed(tmp_path: Path) -> None:
    group(tmp_path, "a", "12\n")
    group(tmp_path, "b", "13\n")
    (tmp_path / "a/link").symlink_to(tmp_path / "b")
    assert members("/a", str(tmp_path)) == (12,)

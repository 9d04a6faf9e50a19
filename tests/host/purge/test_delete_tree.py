from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import at_most
from watchdog_oom.host.purge.delete_tree import Removal, remove
from watchdog_oom.host.spools.descent import MOST_OPEN, Descent

ReadManifest = Callable[[Path], dict[str, tuple[object, ...]]]


def remove_in(base: Path, name: str) -> Removal:
    removal = Removal()
    fd = os.open(base, os.O_RDONLY)
    try:
        gone = remove(fd, name, os.geteuid(), removal)
    finally:
        os.close(fd)
    assert gone == (not os.path.lexists(base / name))
    return removal


def make_deep(base: Path, levels: int) -> None:
    fd = os.open(base, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)


Tree = st.recursive(st.sampled_from(["file", "link-out", "link-up", "fifo", "hard"]),
                    lambda inner: st.dictionaries(st.sampled_from(["a", "b", "\udcff", "e\nf"]), inner, max_size=4),
                    max_leaves=15)


def plant(path: Path, tree: object, outside: Path) -> None:
    match tree:
        case dict():
            path.mkdir()
            for name, inner in tree.items():
                plant(path / name, inner, outside)
        case "file":
            path.write_text("x")
        case "link-out":
            path.symlink_to(outside)
        case "link-up":
            path.symlink_to("..")
        case "fifo":
            os.mkfifo(path)
        case "hard":
            os.link(outside / "precious", path)


@settings(max_examples=at_most(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=Tree, sibling=Tree)
def test_a_tree_of_any_shape_goes_and_nothing_beside_it_changes(
        tree: object, sibling: object, tmp_path_factory: pytest.TempPathFactory, spool_manifest: ReadManifest) -> None:
    base = tmp_path_factory.mktemp("tree")
    outside = base / "outside"
    outside.mkdir()
    (outside / "precious").write_text("precious")
    plant(base / "sibling", sibling, outside)
    before = spool_manifest(base)
    plant(base / "doomed", tree, outside)
    assert remove_in(base, "doomed").left == []
    assert spool_manifest(base) == before


def test_three_thousand_levels_go_with_few_open_files(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    make_deep(tmp_path / "top", 3000)
    assert remove_in(tmp_path, "top").directories == 3001


def test_a_descent_keeps_few_directories_open_and_finds_its_way_back(tmp_path: Path) -> None:
    make_deep(tmp_path, MOST_OPEN * 3)
    base_fd = os.open(tmp_path, os.O_RDONLY)
    before = len(os.listdir("/proc/self/fd"))
    descent = Descent(base_fd)
    seen = [descent.enter("d").st_ino for _ in range(MOST_OPEN * 3)]
    assert len(os.listdir("/proc/self/fd")) <= before + MOST_OPEN + 1
    for inode in reversed(seen):
        assert os.fstat(descent.fd).st_ino == inode
        descent.leave()
    descent.close()
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(base_fd)


def test_a_tree_that_is_moved_away_meanwhile_ends_the_descent(tmp_path: Path) -> None:
    make_deep(tmp_path, MOST_OPEN * 2)
    base_fd = os.open(tmp_path, os.O_RDONLY)
    descent = Descent(base_fd)
    for _ in range(MOST_OPEN + 5):
        descent.enter("d")
    deep = tmp_path.joinpath(*["d"] * 5)
    (tmp_path / "elsewhere").mkdir()
    deep.rename(tmp_path / "elsewhere" / "d")
    with pytest.raises(OSError, match="moved meanwhile"):
        for _ in range(MOST_OPEN + 5):
            descent.leave()
    descent.close()
    os.close(base_fd)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_mount_and_a_foreign_directory_deep_inside_are_left_with_all_they_hold(
        spool_base: Path, spool_manifest: ReadManifest) -> None:
    (spool_base / "precious").mkdir()
    (spool_base / "precious" / "file").write_text("x")
    for name in ("mnt", "foreign", "plain"):
        (spool_base / "doomed" / "a" / name).mkdir(parents=True)
        (spool_base / "doomed" / "a" / name / "file").touch()
    os.chown(spool_base / "doomed" / "a" / "foreign", 4321, 4321)
    mount = spool_base / "doomed" / "a" / "mnt"
    subprocess.run(["mount", "--bind", str(spool_base / "precious"), str(mount)], check=True)
    before = spool_manifest(spool_base / "precious")
    removal = remove_in(spool_base, "doomed")
    assert sorted(path for path, _ in removal.left) == ["doomed/a/foreign", "doomed/a/mnt"]
    assert spool_manifest(spool_base / "precious") == before
    assert (spool_base / "doomed" / "a" / "foreign" / "file").exists()
    assert not (spool_base / "doomed" / "a" / "plain").exists()

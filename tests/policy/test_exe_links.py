"""Links of executables: followed where only root could change them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.exe_links import followed, lead, plain_paths, unsafe_part
from watchdog_oom.policy.load import load_policy
from watchdog_oom.policy.ownership import Part

DIRECTORY, FILE, LINK = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755, stat.S_IFLNK | 0o777


@pytest.fixture
def roots() -> Iterator[Path]:
    """A directory on whose way only root can write."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    path = Path(mkdtemp(prefix="watchdog-oom-test-", dir="/var/lib"))
    path.chmod(0o755)
    yield path
    for entry in path.iterdir():
        entry.unlink()
    path.rmdir()


def test_only_paths_are_followed_and_no_patterns() -> None:
    ir = {"process": {"a": {"exe": ("/usr/bin/java", "/usr/**/x", "/bin/[ab]")}, "b": {"name": ("x",)},
                      "c": {"exe": ("/bin/s?",)}}}
    assert plain_paths(ir) == {"/usr/bin/java"}


@pytest.mark.parametrize(("uid", "mode", "words"), [
    (0, DIRECTORY, ""), (0, LINK, ""), (1000, LINK, "/x belongs to uid 1000"),
    (1000, DIRECTORY, "/x belongs to uid 1000"),
    (0, DIRECTORY | 0o020, "/x is writable by others than root"),
    (0, DIRECTORY | 0o1002, "/x is writable by others than root")])
def test_anybody_else_on_the_way_makes_a_link_unsafe(uid: int, mode: int, words: str) -> None:
    assert unsafe_part([Part("/", 0, DIRECTORY), Part("/x", uid, mode), Part("/y", 0, FILE)]) == words


def test_a_link_of_roots_leads_to_its_file_and_follows_its_changes(roots: Path) -> None:
    for name in ("java-17", "java-21"):
        (roots / name).write_text("")
        (roots / name).chmod(0o755)
    (roots / "alternative").symlink_to("java-17")
    (roots / "java").symlink_to("alternative")
    path = str(roots / "java")
    assert followed([path, str(roots / "java-17"), str(roots / "gone")]) == {path: str(roots / "java-17")}
    (roots / "alternative").unlink()
    (roots / "alternative").symlink_to("java-21")
    assert lead(path) == (str(roots / "java-21"), "")
    os.chown(roots / "alternative", 1234, -1, follow_symlinks=False)
    assert followed([path]) == {}
    assert lead(path)[1] == f"{roots / 'alternative'} belongs to uid 1234"


def test_a_file_that_a_user_could_replace_is_not_followed(roots: Path) -> None:
    (roots / "x").write_text("")
    os.chown(roots / "x", 1234, -1)
    (roots / "link").symlink_to("x")
    assert followed([str(roots / "link")]) == {}
    (roots / "directory").symlink_to("/usr")
    assert lead(str(roots / "directory")) == ("", "")


def test_the_policy_matches_the_file_as_well_and_takes_its_name_literally(roots: Path, tmp_path: Path) -> None:
    (roots / "a[1]*").write_text("")
    (roots / "a[1]*").chmod(0o755)
    (roots / "a").symlink_to("a[1]*")
    (tmp_path / "p.toml").write_text(f'[process.p]\nexe = "{roots}/a"\n')
    noun = build_policy(load_policy(files=[str(tmp_path / "p.toml")], check_ownership=False).ir).processes["p"]
    matched = [name for name in ("a", "a[1]*", "a1x") if any(p.fullmatch(f"{roots}/{name}") for p in noun.exe)]
    assert matched == ["a", "a[1]*"]

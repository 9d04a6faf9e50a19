"""The file: made whole, with the daemon's idea of a name and of modes, and never over another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from watchdog_oom.cli.init.place import checked_target, difference, put
from watchdog_oom.errors import UsageError


def test_it_is_readable_by_all_and_writable_by_its_owner_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        put(str(tmp_path / "a.toml"), "x = 1\n")
    finally:
        os.umask(before)
    assert (tmp_path / "a.toml").read_text() == "x = 1\n"
    assert (tmp_path / "a.toml").stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
def test_what_is_there_stays_as_it_is(kind: str, tmp_path: Path) -> None:
    target, other = tmp_path / "a.toml", tmp_path / "other"
    if kind == "file":
        target.write_text("mine")
    else:
        target.symlink_to(other)
    if kind == "link":
        other.write_text("mine")
    with pytest.raises(UsageError, match="is there already and stays as it is; --diff shows"):
        put(str(target), "x = 1\n")
    assert other.exists() == (kind == "link")
    assert kind == "dangling" or target.read_text() == "mine"
    assert not (tmp_path / "a.new").exists()


def test_what_an_interrupted_one_left_is_in_nobodys_way_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "a.new").symlink_to(tmp_path / "victim")
    put(str(tmp_path / "a.toml"), "x = 1\n")
    assert (tmp_path / "victim").read_text() == "mine"


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such directory"):
        put(str(tmp_path / "no" / "a.toml"), "")


@pytest.mark.parametrize("name", ["policy", ".toml", "a b.toml", "a.toml.bak", "a.new"])
def test_a_name_that_the_daemon_would_not_read_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"a policy is called NAME\.toml"):
        checked_target(f"/etc/{name}")


def test_a_difference_is_a_unified_diff(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("a\nb\n")
    assert difference(str(tmp_path / "a.toml"), "a\nc\n").splitlines()[2:] == ["@@ -1,2 +1,2 @@", " a", "-b", "+c"]
    assert difference(str(tmp_path / "a.toml"), "a\nb\n") == ""

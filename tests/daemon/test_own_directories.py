"""Whoever could replace one of the daemon's directories could put a policy of his own there: it is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.miniature.daemon import MakeDaemon
from watchdog_oom.daemon.own_directories import group_writable_log, own_directory
from watchdog_oom.errors import NotPermittedError, UsageError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NOBODY = 65534


def test_an_own_directory_is_made_closed_to_others(home: Path) -> None:
    own_directory(str(home / "a" / "b"), "state")
    assert (home / "a" / "b").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("purpose", ["state", "log", "runtime"])
@pytest.mark.parametrize("mode", [0o777, 0o757, 0o1777])
def test_a_directory_that_others_can_write_to_is_refused_sticky_or_not(home: Path, purpose: str, mode: int) -> None:
    (home / "open").mkdir()
    (home / "open").chmod(mode)
    with pytest.raises(UsageError, match=r"writable by .* \(let root own it .*, or name another directory\)"):
        own_directory(str(home / "open"), purpose)


@pytest.mark.parametrize("purpose", ["state", "log", "runtime"])
def test_a_directory_above_that_others_can_write_to_is_refused_and_nothing_made_in_it(home: Path, purpose: str) -> None:
    (home / "open").mkdir()
    (home / "open").chmod(0o777)
    with pytest.raises(UsageError, match="open is writable by its group and others"):
        own_directory(str(home / "open" / "a" / "b"), purpose)
    assert list((home / "open").iterdir()) == []


def test_a_sticky_directory_above_is_accepted(home: Path) -> None:
    (home / "tmp").mkdir()
    (home / "tmp").chmod(0o1777)
    own_directory(str(home / "tmp" / "a"), "state")


@needs_root
@pytest.mark.parametrize("purpose", ["state", "log", "runtime"])
@pytest.mark.parametrize("below", [".", "a", "a/b"])
def test_a_directory_of_another_user_is_refused_and_one_below_it(home: Path, purpose: str, below: str) -> None:
    (home / "theirs" / "a").mkdir(mode=0o755, parents=True)
    os.chown(home / "theirs", NOBODY, NOBODY)
    with pytest.raises(UsageError, match=f"theirs belongs to uid {NOBODY}"):
        own_directory(os.path.normpath(home / "theirs" / below), purpose)


@pytest.mark.parametrize("below", [".", "a"])
def test_no_link_is_followed_on_the_way(home: Path, below: str) -> None:
    (home / "real" / "a").mkdir(mode=0o755, parents=True)
    (home / "link").symlink_to(home / "real")
    with pytest.raises(UsageError, match=f"symbolic link, {home}/link, which is not followed"):
        own_directory(os.path.normpath(home / "link" / below), "state")


@needs_root
def test_a_group_that_may_write_above_the_journal_is_told_and_above_the_rest_refused(home: Path) -> None:
    (home / "log").mkdir()
    (home / "log").chmod(0o775)
    own_directory(str(home / "log" / "watchdog-oom"), "log")
    assert group_writable_log(str(home / "log" / "watchdog-oom"))[0].startswith(f"{home}/log is writable by its group")
    with pytest.raises(UsageError, match="log is writable by its group"):
        own_directory(str(home / "log" / "state"), "state")


def test_a_file_in_the_way_is_an_error_in_words(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises((UsageError, NotPermittedError), match="cannot be made"):
        own_directory(str(home / "file" / "below"), "state")


@needs_root
def test_a_last_good_policy_that_somebody_else_put_there_is_never_used(daemon: MakeDaemon) -> None:
    watch = daemon("")
    watch.start()
    watch.stop()
    kept = watch.state / "last-good-policy.json"
    assert kept.exists()
    os.chown(kept, NOBODY, NOBODY)
    watch.write_policy("[broken")
    with pytest.raises(AssertionError, match=r"test\.toml:1"):
        watch.start()


def test_a_working_directory_that_is_gone_matters_to_no_whole_path(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "gone").mkdir()
    monkeypatch.chdir(home / "gone")
    (home / "gone").rmdir()
    own_directory(str(home / "a"), "state")
    with pytest.raises(UsageError, match="cannot be examined: No such file"):
        own_directory("a", "state")

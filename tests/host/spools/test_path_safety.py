from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from watchdog_oom.host.spools.path_safety import PathPart, SpoolRefusedError, open_spool, read_parts, refusal

DIRECTORY = stat.S_IFDIR | 0o755


def parts(*uids_and_modes: tuple[int, int]) -> list[PathPart]:
    return [PathPart("/" + "x" * depth, mode, uid) for depth, (uid, mode) in enumerate(uids_and_modes)]


@pytest.mark.parametrize("path", [
    "/", "", "relative/spool", "/var", "/home", "/tmp", "/etc/cron.d", "/usr/share/doc/x", "/usr/local/bin",
    "/var/spool", "/var/lib", "/home/alice", "/dev/shm", "/dev/disk/by-id", "/proc/self/fd", "/var//spool/x",
    "/var/spool/x/",
    "/var/spool/../lib/x", "/var/spool/./x", "//var/spool/x", "/var/lib/watchdog-oom/x", "/var/spool/a\0b",
    "/lib/systemd/x"])
def test_a_path_is_refused_by_its_name_alone(path: str) -> None:
    safe = parts((0, DIRECTORY), (0, DIRECTORY), (0, DIRECTORY))
    assert refusal(path, safe) is not None


@pytest.mark.parametrize("path", ["/var/spool/vscan/tmp", "/home/alice/spool", "/srv/spool", "/usr/local/amavis/tmp",
                                  "/dev/shm/spool", "/var/tmp", "/library/spool"])
def test_an_ordinary_path_is_accepted(path: str) -> None:
    assert refusal(path, parts((0, DIRECTORY), (0, DIRECTORY), (7, DIRECTORY))) is None


def test_the_users_of_a_path_may_only_change_from_root_to_one_other() -> None:
    assert refusal("/var/spool/x", parts((0, DIRECTORY), (7, DIRECTORY), (7, DIRECTORY))) is None
    assert "could put another" in str(refusal("/var/spool/x", parts((0, DIRECTORY), (7, DIRECTORY), (0, DIRECTORY))))
    assert "could put another" in str(refusal("/var/spool/x", parts((0, DIRECTORY), (7, DIRECTORY), (8, DIRECTORY))))


def test_a_directory_on_the_way_that_everybody_may_write_to_must_be_sticky() -> None:
    free, sticky = stat.S_IFDIR | 0o777, stat.S_IFDIR | 0o1777
    assert "everybody" in str(refusal("/var/a/x", parts((0, DIRECTORY), (0, free), (0, DIRECTORY))))
    assert refusal("/var/a/x", parts((0, DIRECTORY), (0, sticky), (5, DIRECTORY))) is None


def problem_of(path: str) -> str | None:
    return refusal(path, read_parts(path))


def test_what_is_missing_no_directory_or_behind_a_symlink_is_refused_in_words(spool_base: Path) -> None:
    (spool_base / "file").touch()
    (spool_base / "real" / "spool").mkdir(parents=True)
    (spool_base / "link").symlink_to("real")
    assert problem_of(f"{spool_base}/none") == f"{spool_base}/none does not exist or cannot be reached"
    assert problem_of(f"{spool_base}/file") == f"{spool_base}/file is not a directory"
    assert problem_of(f"{spool_base}/link/spool") == (
        f"{spool_base}/link is a symbolic link; name the directory it points to")
    assert problem_of(f"{spool_base}/real/spool") is None


def test_words_about_a_hostile_path_can_be_printed(spool_base: Path) -> None:
    problem = problem_of(f"{spool_base}/\x1b[2J\udcff\n")
    assert problem is not None
    assert problem.isprintable()


def test_the_directory_that_was_judged_is_the_one_that_is_opened(spool_base: Path) -> None:
    spool = spool_base / "spool"
    spool.mkdir()
    fd = open_spool(str(spool))
    assert os.fstat(fd).st_ino == spool.stat().st_ino
    os.close(fd)
    with pytest.raises(SpoolRefusedError, match="too near"):
        open_spool("/tmp")

"""The file of node_exporter: whole or not there, whatever lies in its directory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from watchdog_oom.cli.metrics.textfile import checked_name, write_once
from watchdog_oom.cli.whole_file import replace_whole
from watchdog_oom.errors import UsageError


def test_it_is_replaced_as_a_whole_and_read_by_anybody(tmp_path: Path) -> None:
    path = tmp_path / "watchdog_oom.prom"
    replace_whole(str(path), b"old 1\n")
    before = path.stat().st_ino
    replace_whole(str(path), b"new 1\n")
    assert path.read_bytes() == b"new 1\n" and path.stat().st_ino != before
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["watchdog_oom.prom"]


def test_nothing_that_another_user_laid_there_is_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "shadow"
    victim.write_text("secret")
    os.link(victim, tmp_path / "w.prom.new")
    replace_whole(str(tmp_path / "w.prom"), b"a 1\n")
    (tmp_path / "l.prom.new").symlink_to(victim)
    (tmp_path / "l.prom").symlink_to(victim)
    replace_whole(str(tmp_path / "l.prom"), b"a 1\n")
    assert victim.read_text() == "secret"
    assert not (tmp_path / "l.prom").is_symlink()


def test_a_name_that_node_exporter_would_not_read_is_refused() -> None:
    with pytest.raises(UsageError, match=r"only files that end with \.prom"):
        checked_name("/var/lib/x/metrics.txt")


def test_once_into_a_directory_that_does_not_exist_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such directory"):
        write_once(str(tmp_path / "none" / "w.prom"), b"")


def test_a_directory_that_does_not_exist_is_told_once_and_its_coming_too(tmp_path: Path) -> None:
    path = tmp_path / "later" / "w.prom"
    errors = tmp_path / "errors"
    with errors.open("wb") as file:
        writer = subprocess.Popen([sys.executable, "-c", "from watchdog_oom.cli import main; main()", "metrics",
                                   "--textfile", path, "--every", "1s", "--runtime", tmp_path, "--log", tmp_path],
                                  stderr=file)
    try:
        wait_for(lambda: "no such directory" in errors.read_text())
        time.sleep(1.2)  # another round: it must not be told again
        path.parent.mkdir()
        wait_for(lambda: path.exists() and "written again" in errors.read_text())
    finally:
        writer.kill()
        writer.wait()
    assert errors.read_text().count("no such directory") == 1
    assert "watchdog_oom_up 0.0\n" in path.read_text()


def wait_for(condition: object, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    assert callable(condition)
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)

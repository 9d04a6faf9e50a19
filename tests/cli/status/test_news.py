"""The wake-up of ``status --watch``: a real directory whose file is replaced as the daemon does it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog_oom.cli.status.news import StatusNews
from watchdog_oom.daemon.atomic_file import replace_file

LONG = 20.0


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    directory = tmp_path / "runtime"
    directory.mkdir()
    return directory


@pytest.fixture
def news(runtime: Path) -> Iterator[StatusNews]:
    listening = StatusNews(str(runtime))
    assert listening.listening
    yield listening
    listening.close()


def replaced(runtime: Path) -> None:
    assert replace_file(f"{runtime}/status.json", b"{}", 0o644)


def test_a_replaced_file_wakes_at_once_and_only_once(runtime: Path, news: StatusNews) -> None:
    replaced(runtime)
    replaced(runtime)
    began = time.monotonic()
    assert news.wait(LONG)
    assert time.monotonic() - began < LONG / 2
    assert not news.wait(0.05)


def test_the_file_of_a_daemon_that_stops_wakes_too(runtime: Path, news: StatusNews) -> None:
    replaced(runtime)
    assert news.wait(LONG)
    (runtime / "status.json").unlink()
    assert news.wait(LONG)


def test_a_directory_that_is_made_anew_is_listened_to_again(runtime: Path, news: StatusNews) -> None:
    runtime.rename(runtime.parent / "old")
    assert not news.wait(0.01)
    runtime.mkdir()
    news.wait(0.01)
    replaced(runtime)
    assert news.wait(LONG)


def test_names_that_are_not_utf_8_break_nothing(runtime: Path, news: StatusNews) -> None:
    other = os.fsencode(runtime.parent) + b"/file"
    for name in (b"\xff", b"\xfe\xff"):
        os.close(os.open(other, os.O_CREAT))
        os.rename(other, os.fsencode(runtime) + b"/" + name)
    assert news.wait(LONG)
    replaced(runtime)
    assert news.wait(LONG)


def test_where_no_inotify_instance_is_left_the_clock_wakes(runtime: Path) -> None:
    code = ("import os, resource, sys, time\n"
            "from watchdog_oom.cli.status.news import StatusNews\n"
            "StatusNews(sys.argv[1]).close()\n"
            "taken = os.open('/', os.O_RDONLY)\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (taken + 1, taken + 1))\n"
            "news = StatusNews(sys.argv[1])\n"
            "print(news.listening, news.wait(0.01))\n")
    done = subprocess.run([sys.executable, "-W", "error", "-c", code, str(runtime)], check=True, capture_output=True,
                          text=True)
    assert (done.stdout, done.stderr) == ("False False\n", "")


def test_nothing_is_written_when_the_directory_cannot_be_watched(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code = ("import sys; from watchdog_oom.cli.status.news import StatusNews\n"
            "for name in ('none', 'file'):\n"
            "    news = StatusNews(f'{sys.argv[1]}/{name}')\n"
            "    print(news.listening, news.wait(0.01))\n")
    done = subprocess.run([sys.executable, "-W", "error", "-c", code, str(tmp_path)], check=True, capture_output=True,
                          text=True)
    assert (done.stdout, done.stderr) == ("False False\nFalse False\n", "")

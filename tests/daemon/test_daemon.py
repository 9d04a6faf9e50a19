"""The daemon's front door: what it answers before it is a daemon, in words and an exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from watchdog_oom import __version__


def called(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-c", "from watchdog_oom.daemon import main; main()", *arguments],
                          capture_output=True, text=True, timeout=30, check=False, cwd="/",
                          env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
    return done.returncode, done.stdout, done.stderr


def test_version_and_help_are_told_and_nothing_is_started() -> None:
    assert called("--version") == (0, f"watchdog-oomd {__version__}\n", "")
    status, text, errors = called("--help", "--observe")
    assert (status, errors) == (0, "")
    assert text.startswith("Usage: watchdog-oomd")


def test_a_wrong_option_is_one_line_and_status_2() -> None:
    assert called("--bogus") == (2, "", "watchdog-oomd: --bogus: no such option; see --help\n")


@pytest.mark.parametrize("descriptors", [4, 6, 8, 12, 16, 20, 24])
def test_without_descriptors_there_is_one_line_and_a_status_and_no_traceback(home: Path, descriptors: int) -> None:
    limits = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({descriptors}, {descriptors})); "
    (home / "policies").mkdir(0o755)
    options = [word for name in ("policies", "state", "log", "runtime") for word in (f"--{name}", f"{home}/{name}")]
    done = subprocess.run([sys.executable, "-c", limits + "from watchdog_oom.daemon import main; main()", *options],
                          capture_output=True, text=True, timeout=30, check=False, cwd="/",
                          env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
    assert done.returncode in (2, 3)
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("watchdog-oomd: ")


def test_a_directory_that_cannot_be_made_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, text, errors = called(*(word for name in ("state", "log", "runtime")
                                    for word in (f"--{name}", f"{tmp_path}/file/{name}")))
    assert (status, text) == (2, "")
    assert errors.startswith(f"watchdog-oomd: {tmp_path}/file/")
    assert errors.count("\n") == 1

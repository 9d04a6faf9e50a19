"""The daemon's front door: what it answers before it is a daemon, in words and an exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def test_a_directory_that_cannot_be_made_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, text, errors = called(*(word for name in ("state", "log", "runtime")
                                    for word in (f"--{name}", f"{tmp_path}/file/{name}")))
    assert (status, text) == (2, "")
    assert errors.startswith(f"watchdog-oomd: {tmp_path}/file/")
    assert errors.count("\n") == 1

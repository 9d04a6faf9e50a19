"""The man pages: well formed, and complete as to commands and options."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from watchdog_oom.cli import COMMANDS
from watchdog_oom.daemon.options import HELP

MAN = Path(__file__).parent.parent / "man"


def plain(name: str) -> str:
    """The page's words without the most common of roff."""
    return re.sub(r"\\f.", "", (MAN / name).read_text()).replace("\\-", "-")


def test_the_page_of_the_daemon_names_each_of_its_options() -> None:
    options = re.findall(r"^  (--[a-z]+)", HELP, flags=re.MULTILINE)
    assert options
    assert [option for option in options if option not in plain("watchdog-oomd.8")] == []


def test_the_page_of_the_command_has_a_paragraph_for_each_subcommand() -> None:
    paragraphs = re.findall(r"^\.TP\n\.BR? \"?([a-z]+)", plain("watchdog-oom.1"), flags=re.MULTILINE)
    assert [command for command in COMMANDS if command not in paragraphs] == []


@pytest.mark.skipif(shutil.which("man") is None, reason="needs man (apt: man-db)")
@pytest.mark.parametrize("name", ["watchdog-oomd.8", "watchdog-oom.1"])
def test_a_page_is_rendered_without_a_warning(name: str) -> None:
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(MAN / name)],
                          capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")

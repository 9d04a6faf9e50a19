"""What the Debian package declares, against what the project itself declares."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from watchdog_oom import __version__

TOP = Path(__file__).parent.parent
PACKAGING = TOP / "packaging"
IN_ANOTHER = {"pyasyncore"}  # Debian's python3-pyinotify brings it along where it is needed


def test_the_package_depends_on_each_library_of_the_project() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[^A-Za-z0-9-]", requirement)[0].lower() for requirement in project["dependencies"]}
    depends = set(re.findall(r"python3-([a-z0-9-]+)", (PACKAGING / "debian" / "control").read_text()))
    assert needed - IN_ANOTHER - depends == set()


def test_the_newest_entry_of_the_changelog_is_of_this_version() -> None:
    first = (PACKAGING / "debian" / "changelog").read_text().splitlines()[0]
    assert first.startswith(f"watchdog-oom ({__version__}) ")


def test_a_completion_is_generated_for_each_shell(tmp_path: Path) -> None:
    subprocess.run([sys.executable, TOP / "completions" / "generate.py", tmp_path], check=True, timeout=30)
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {"bash/watchdog-oom", "zsh/_watchdog-oom", "fish/watchdog-oom.fish"}
    for name in made:
        assert "_WATCHDOG_OOM_COMPLETE" in (tmp_path / name).read_text()


@pytest.mark.parametrize("program", ["watchdog-oomd", "watchdog-oom"])
def test_the_installed_programs_start_python_isolated_and_write_no_bytecode(program: str) -> None:
    shebang = (PACKAGING / program).read_text().splitlines()[0]
    assert re.fullmatch(r"#!/usr/bin/python3 -BIS?", shebang)

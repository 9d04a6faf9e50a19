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


def test_the_package_and_the_wheel_install_each_completion_and_each_man_page() -> None:
    installed = (PACKAGING / "debian" / "watchdog-oom.install").read_text()
    pages = (PACKAGING / "debian" / "watchdog-oom.manpages").read_text().split()
    wheel = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {path.name for path in (TOP / "completions").iterdir()} == {"bash", "zsh", "fish"}
    for shell in ("bash", "zsh", "fish"):
        assert f"completions/{shell}/* usr/share/{shell}" in installed
        assert f"completions/{shell}" in wheel["shared-data"]
    in_tree = {f"man/{path.name}" for path in (TOP / "man").glob("*.[1-8]")}
    assert in_tree == {path for path in wheel["shared-data"] if path.startswith("man/")}
    made = {"debian/man/watchdog-oom-policy.5", "debian/man/watchdog-oom.toml.5"}
    assert set(pages) == in_tree | made


def test_the_pages_that_are_made_are_those_that_are_installed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-I", TOP / "man" / "generate.py", tmp_path / "man"], check=True, timeout=30)
    assert {path.name for path in (tmp_path / "man").iterdir()} == {"watchdog-oom-policy.5", "watchdog-oom.toml.5"}
    assert "man/generate.py debian/man" in (PACKAGING / "debian" / "rules").read_text()


@pytest.mark.parametrize("program", ["watchdog-oomd", "watchdog-oom"])
def test_the_installed_programs_start_python_isolated_and_write_no_bytecode(program: str) -> None:
    shebang = (PACKAGING / program).read_text().splitlines()[0]
    assert re.fullmatch(r"#!/usr/bin/python3 -BIS?", shebang)


def test_the_package_and_the_wheel_bring_the_policies_their_tests_and_the_cookbook_along() -> None:
    wheel = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "policies" in (PACKAGING / "debian" / "watchdog-oom.docs").read_text().split()
    assert wheel["force-include"]["policies"] == "watchdog_oom/shipped"
    assert len(list((TOP / "policies" / "cookbook").glob("*/*.test.toml"))) == 12


def test_a_wheel_carries_the_policies_and_the_units() -> None:
    wheel = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"policies": "watchdog_oom/shipped", "systemd": "watchdog_oom/units"}


def test_the_init_script_is_for_the_daemon_that_is_installed_and_says_when_it_may_start() -> None:
    script = PACKAGING / "debian" / "watchdog-oom.watchdog-oomd.init"
    text = script.read_text()
    header = text.partition("### BEGIN INIT INFO\n")[2].partition("### END INIT INFO")[0]
    assert re.search(r"^# Provides: +watchdog-oomd$", header, re.MULTILINE)
    assert re.search(r"^# Required-Start: +\$local_fs \$remote_fs$", header, re.MULTILINE)
    assert subprocess.run(["sh", "-n", script], timeout=10, check=False).returncode == 0
    rules = (PACKAGING / "debian" / "rules").read_text()
    assert "dh_installinit --name=watchdog-oomd" in rules


@pytest.mark.parametrize("build", ["build-deb", "build-rpm", "build-release"])
def test_the_builds_are_valid_shell(build: str) -> None:
    assert subprocess.run(["sh", "-n", PACKAGING / build], timeout=10, check=False).returncode == 0

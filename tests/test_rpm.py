"""The RPM: what it holds, what it asks for and what its scriptlets do, as rpm itself reads the package."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from watchdog_oom import __version__

TOP = Path(__file__).parent.parent
SPEC = (TOP / "packaging" / "rpm" / "watchdog-oom.spec").read_text()
IN_ANOTHER = {"pyasyncore"}  # Fedora's pyinotify does without, or brings it along


def asked(rpm: Path, *what: str) -> list[str]:
    done = subprocess.run(["rpm", "-qp", *what, str(rpm)], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def rpm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("rpmbuild") is None:
        pytest.skip("needs rpmbuild (apt: rpm; dnf: rpm-build)")
    output = tmp_path_factory.mktemp("rpm")
    done = subprocess.run([TOP / "packaging" / "build-rpm", "--output", output], capture_output=True, text=True,
                          timeout=55, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def test_it_asks_for_each_library_of_the_project_and_for_no_other() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[^A-Za-z0-9-]", requirement)[0].lower() for requirement in project["dependencies"]}
    assert set(re.findall(r"^Requires: +python3dist\(([a-z0-9-]+)\)", SPEC, re.MULTILINE)) == needed - IN_ANOTHER


def test_the_newest_entry_of_its_changelog_is_of_this_version() -> None:
    first = SPEC.partition("%changelog\n")[2].splitlines()[0]
    assert first.endswith(f" - {__version__}-1")


@pytest.mark.slow
def test_it_holds_every_module_policy_unit_page_and_completion(rpm: Path) -> None:
    files = set(asked(rpm, "--list"))
    code = {f"/usr/share/watchdog-oom/{path.relative_to(TOP)}" for path in (TOP / "watchdog_oom").rglob("*.py")}
    shipped = "/usr/share/watchdog-oom/watchdog_oom/shipped"
    policies = {f"{shipped}/{path.name}" for path in (TOP / "policies").glob("*.toml")}
    units = {f"/usr/lib/systemd/system/{path.name}" for path in (TOP / "systemd").iterdir()}
    pages = {f"/usr/share/man/man{name[-1]}/{name}" for name in (
        "watchdog-oom.1", "watchdog-oomd.8", "watchdog-oom-policy.5", "watchdog-oom.toml.5")}
    completions = {"/usr/share/bash-completion/completions/watchdog-oom", "/usr/share/zsh/site-functions/_watchdog-oom",
                   "/usr/share/fish/vendor_completions.d/watchdog-oom.fish"}
    programs = {"/usr/sbin/watchdog-oomd", "/usr/bin/watchdog-oom", "/usr/lib/systemd/catalog/watchdog-oom.catalog",
                "/etc/watchdog-oom/policies.d"}
    plain = {re.sub(r"\.gz$", "", name) for name in files}
    assert code | policies | units | pages | completions | programs <= plain
    assert not [name for name in files if name.endswith((".pyc", "__pycache__"))]


@pytest.mark.slow
def test_nothing_in_it_belongs_to_another_than_root_or_may_be_changed_by_others(rpm: Path) -> None:
    for line in asked(rpm, "--queryformat", "[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\n]"):
        mode, user, group, name = line.split(" ", 3)
        assert (user, group, mode[5], mode[8]) == ("root", "root", "-", "-"), name


@pytest.mark.slow
def test_its_scriptlets_are_valid_shell_and_enable_only_the_daemon(rpm: Path, tmp_path: Path) -> None:
    scriptlets = re.split(r"^(\w+) scriptlet \(using /bin/sh\):\n", "\n".join(asked(rpm, "--scripts")),
                          flags=re.MULTILINE)[1:]
    bodies = dict(zip(scriptlets[::2], scriptlets[1::2], strict=True))
    assert set(bodies) == {"postinstall", "preuninstall", "postuninstall"}
    for name, body in bodies.items():
        script = tmp_path / name
        script.write_text(body)
        assert subprocess.run(["sh", "-n", script], timeout=10, check=False).returncode == 0
    assert re.findall(r"preset ([^; ]+)", bodies["postinstall"]) == ["watchdog-oomd.service"]
    assert "enable" not in bodies["postinstall"].replace("is enabled", "")


@pytest.mark.slow
def test_an_upgrade_keeps_the_daemon_and_a_removal_stops_it_first(rpm: Path) -> None:
    scripts = "\n".join(asked(rpm, "--scripts"))
    assert "if [ $1 -eq 0 ] && [ -d /run/systemd/system ]; then systemctl --no-reload disable --now" in scripts
    assert "if [ $1 -ge 1 ]; then systemctl try-restart" in scripts

"""The notifier's unit, as systemd judges it, and how the package installs it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from watchdog_oom.cli.notify.command import notify

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "systemd" / "watchdog-oom-notify.service"
DEBIAN = ROOT / "packaging" / "debian"
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def setting(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=30, check=False)


@needs_systemd
def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/usr/bin/watchdog-oom", "/bin/true"))
    done = analyze("verify", "--man=no", str(copy))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
def test_it_may_do_little_and_the_page_says_how_little() -> None:
    done = analyze("security", "--offline=true", "--no-pager", str(UNIT))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= 2.0
    assert f"gives it {found[1]}." in (ROOT / "docs" / "notify.md").read_text()


def test_it_is_a_user_of_its_own_that_has_one_capability_with_its_reason() -> None:
    assert setting("User") == ["watchdog-oom-notify"]
    assert setting("CapabilityBoundingSet") == setting("AmbientCapabilities") == ["CAP_DAC_READ_SEARCH"]
    assert re.findall(r"^# (CAP_[A-Z_]+) +\S", UNIT.read_text(), re.MULTILINE) == ["CAP_DAC_READ_SEARCH"]
    assert "watchdog-oom-notify" in (DEBIAN / "watchdog-oom.postinst").read_text()


def test_what_it_calls_is_a_call_of_the_command() -> None:
    (call,) = setting("ExecStart")
    program, command, *arguments = shlex.split(call)
    assert (program, command) == ("/usr/bin/watchdog-oom", "notify")
    assert notify.make_context("notify", arguments).params["once"] is False
    assert setting("StateDirectory") == setting("RuntimeDirectory") == ["watchdog-oom-notify"]


def test_the_package_installs_it_and_enables_it_for_nobody() -> None:
    assert f"systemd/{UNIT.name} lib/systemd/system/" in (DEBIAN / "watchdog-oom.install").read_text()
    assert f"dh_installsystemd --no-enable --no-start {UNIT.name}" in (DEBIAN / "rules").read_text()
    assert "Recommends: apprise" in (DEBIAN / "control").read_text()

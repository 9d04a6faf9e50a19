"""The unit file, judged by systemd itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parent.parent / "systemd" / "watchdog-oomd.service"
METRICS = UNIT.with_name("watchdog-oom-metrics.service")

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (apt: systemd)")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=30, check=False)


def without_program(tmp_path: Path, text: str) -> Path:
    """A copy that names a program every host has: verify also asks whether the program is installed."""
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("/usr/sbin/watchdog-oomd", "/bin/true"))
    return copy


def exposure(path: Path) -> float:
    done = analyze("security", "--offline=true", "--no-pager", str(path))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    return float(found[1])


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    done = analyze("verify", "--man=no", str(without_program(tmp_path, UNIT.read_text())))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_misspelt_setting_would_be_found(tmp_path: Path) -> None:
    broken = UNIT.read_text().replace("OOMPolicy=", "OOMPolice=")
    done = analyze("verify", "--man=no", str(without_program(tmp_path, broken)))
    assert "OOMPolice" in done.stdout + done.stderr


def test_the_exposure_of_the_unit_is_below_4() -> None:
    assert exposure(UNIT) < 4.0


def test_without_its_capability_bounding_set_the_exposure_would_not_be_below_4(tmp_path: Path) -> None:
    text = re.sub(r"^CapabilityBoundingSet=.*$", "", UNIT.read_text(), flags=re.MULTILINE)
    assert exposure(without_program(tmp_path, text)) >= 4.0


def test_programs_that_a_policy_runs_may_ask_for_the_hosts_addresses() -> None:
    families = re.search(r"^RestrictAddressFamilies=(.*)$", UNIT.read_text(), flags=re.MULTILINE)
    assert families is not None
    assert "AF_NETLINK" in families[1].split()  # getifaddrs(3) needs it, and postqueue gives up without


def test_each_capability_that_is_kept_has_its_reason_beside_it() -> None:
    text = UNIT.read_text()
    kept = re.search(r"^CapabilityBoundingSet=(.*)$", text, flags=re.MULTILINE)
    assert kept is not None
    reasons = re.findall(r"^# (CAP_[A-Z_]+) +\S", text, flags=re.MULTILINE)
    assert sorted(kept[1].split()) == sorted(reasons)


def test_the_unit_of_the_metrics_is_sound_and_shut(tmp_path: Path) -> None:
    copy = tmp_path / METRICS.name
    copy.write_text(METRICS.read_text().replace("/usr/bin/watchdog-oom ", "/bin/true "))
    done = analyze("verify", "--man=no", str(copy))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert exposure(METRICS) <= 1.0
    assert "CapabilityBoundingSet=\n" in METRICS.read_text()

"""``watchdog-oom export unit``: the program's units with the paths of an installation, as systemd itself reads them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from watchdog_oom.cli import cli
from watchdog_oom.cli.export.own_units import doubts, own_units, unit_text
from watchdog_oom.errors import UsageError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """The programs of a virtual environment."""
    made = tmp_path / "venv 5%" / "bin"
    made.mkdir(parents=True)
    for program in ("watchdog-oom", "watchdog-oomd"):
        (made / program).write_text("#!/bin/sh\n")
        (made / program).chmod(0o755)
    return made


def test_every_unit_of_the_source_is_there() -> None:
    assert set(own_units()) == {path.name for path in (ROOT / "systemd").iterdir()}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_the_programs_where_they_are(scripts: Path, tmp_path: Path) -> None:
    units = own_units()
    written = []
    for name in units:
        written.append(tmp_path / name)
        written[-1].write_text(unit_text(name, units, str(scripts)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *map(str, written)], capture_output=True,
                          text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_programs_that_are_not_there_keep_the_paths_of_the_package(tmp_path: Path) -> None:
    units = own_units()
    assert unit_text("watchdog-oomd.service", units, str(tmp_path)) == Path(units["watchdog-oomd.service"]).read_text()


def test_a_name_that_is_not_there_is_wrong_usage_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"watchdog-oomd\.service"):
        unit_text("watchdog-oom.service", own_units(), "/usr/bin")


def test_root_is_told_of_programs_that_others_can_replace(scripts: Path) -> None:
    scripts.chmod(0o777)
    assert any(f"{scripts} can be changed" in doubt for doubt in doubts(str(scripts)))


def test_they_are_written_whole_and_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["export", "unit", "-o", str(tmp_path), "watchdog-oom-report.timer"])
    assert str(tmp_path / "watchdog-oom-report.timer") in done.stdout.splitlines()
    assert (tmp_path / "watchdog-oom-report.timer").read_text() == (
        ROOT / "systemd" / "watchdog-oom-report.timer").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["watchdog-oom-report.timer"]

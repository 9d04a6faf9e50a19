"""``watchdog-oom export systemd``: drop-ins that systemd itself accepts, from hostile policies too."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from watchdog_oom.cli import cli

ROOT = Path(__file__).parents[3]
POLICY = """
[process.mysqld]
unit = "mariadb.service"
[process.php]
exe = "/usr/sbin/php-fpm*"
[process.report]
unit = "report.service"
[service.php]
unit = "php8.2-fpm.service"
[protect.database]
process = "mysqld"
oom_score_adj = -900
[protect.database_again]
process = "mysqld"
oom_score_adj = -500
[protect.web]
process = "php"
[limit.report]
process = "report"
total_rss = "1GiB"
then = "contain"
memory_max = "12.5%"
[limit.killed]
process = "php"
rss = "1GiB"
"""


def export(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["export", "systemd", *map(str, arguments)])


def policy(directory: Path, text: str) -> Path:
    path = directory / "p.toml"
    path.write_text(text)
    return path


def settings(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "[Service]"
    return dict(line.split("=", 1) for line in lines[1:])


def test_each_unit_gets_what_its_rules_say_and_the_strongest_protection(tmp_path: Path) -> None:
    result = export(policy(tmp_path, POLICY), "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    out = tmp_path / "out"
    written = sorted(str(path.relative_to(out)) for path in out.rglob("*.*") if path.is_file())
    assert written == [f"{unit}.service.d/50-watchdog-oom.conf" for unit in ("mariadb", "php8.2-fpm", "report")]
    mariadb, php, report = (settings(tmp_path / "out" / name) for name in written)
    assert mariadb == {"OOMScoreAdjust": "-900", "OOMPolicy": "continue", "ManagedOOMPreference": "omit"}
    assert php == {"OOMPolicy": "continue", "ManagedOOMPreference": "omit"}
    assert report == {"MemoryHigh": str(1 << 30), "MemoryMax": "12.5%"}
    assert [line for line in result.output.splitlines() if line] == [str(tmp_path / "out" / name) for name in written]


def test_a_comment_names_the_table_and_the_line_it_comes_from(tmp_path: Path) -> None:
    path = policy(tmp_path, POLICY)
    text = export(path).stdout
    assert f"#   [protect.database], {path}:10\n" in text
    assert f"#   [protect.database_again], {path}:13\n" in text
    assert f"#   [limit.report], {path}:18\n" in text
    assert "# /etc/systemd/system/mariadb.service.d/50-watchdog-oom.conf\n" in text


def test_written_again_over_an_older_file_it_is_the_same(tmp_path: Path) -> None:
    path = policy(tmp_path, POLICY)
    export(path, "-o", tmp_path / "out")
    before = {file: file.read_bytes() for file in (tmp_path / "out").rglob("*.conf")}
    assert export(path, "-o", tmp_path / "out").exit_code == 0
    assert {file: file.read_bytes() for file in (tmp_path / "out").rglob("*")if file.is_file()} == before


@pytest.mark.parametrize(("unit", "words"), [
    ("maria*.service", "is a pattern"), ("../../../tmp/evil.service", "is no service"), ("a.socket", "is no service"),
    ("-x.service", "is no service"), ("x\\nExecStart=/bin/evil.service", "is no service")])
def test_a_name_that_is_no_unit_is_told_with_its_line_and_never_becomes_a_path(
        tmp_path: Path, unit: str, words: str) -> None:
    text = f'[process.p]\nunit = "{unit}"\n[protect.x]\nprocess = "p"\n'
    result = export(policy(tmp_path, text), "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert words in result.output
    assert "p.toml:3: [protect.x]: " in result.output
    assert not (tmp_path / "out").exists()


def test_a_protection_without_a_unit_is_named_and_the_rest_is_exported(tmp_path: Path) -> None:
    result = export(policy(tmp_path, POLICY + '[process.x]\nexe = "/usr/bin/x"\n[protect.x]\nprocess = "x"\n'))
    assert result.exit_code == 0
    assert '[protect.x]: its unit is not known: add unit = "NAME.service" to [process.x]' in result.output
    assert "OOMScoreAdjust=-900" in result.output


def test_a_policy_that_is_not_valid_exports_nothing(tmp_path: Path) -> None:
    result = export(policy(tmp_path, "[protect.x]\n"), "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert not (tmp_path / "out").exists()


def verified(tmp_path: Path, units: Path) -> subprocess.CompletedProcess[str]:
    """What ``systemd-analyze verify`` says of stub units that have these drop-ins."""
    services = sorted(path.name.removesuffix(".d") for path in units.iterdir())
    for service in services:
        (units / service).write_text("[Unit]\nDescription=stub\n[Service]\nExecStart=/bin/true\n")
    return subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                           *(str(units / service) for service in services)],
                          check=False, capture_output=True, text=True,
                          env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:", "HOME": str(tmp_path)})


needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


@needs_systemd
@pytest.mark.parametrize("source", ["made up", "mail-server.toml", "database.toml", "web-server.toml"])
def test_systemd_finds_nothing_wrong_with_the_drop_ins(tmp_path: Path, source: str) -> None:
    path = policy(tmp_path, POLICY) if source == "made up" else ROOT / "policies" / source
    units = tmp_path / "units"
    assert export("--policies", path, "-o", units).exit_code == 0
    result = verified(tmp_path, units)
    told = [line for line in result.stderr.splitlines() if str(units) in line or "50-watchdog-oom" in line]
    assert (result.returncode, told) == (0, []), result.stderr


@needs_systemd
def test_systemd_would_tell_of_a_wrong_setting(tmp_path: Path) -> None:
    units = tmp_path / "units"
    assert export(policy(tmp_path, POLICY), "-o", units).exit_code == 0
    drop_in = units / "mariadb.service.d/50-watchdog-oom.conf"
    drop_in.write_text(drop_in.read_text().replace("OOMScoreAdjust=-900", "OOMScoreAdjust=-9000"))
    assert "50-watchdog-oom.conf" in verified(tmp_path, units).stderr

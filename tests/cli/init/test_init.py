"""``watchdog-oom init`` as an administrator calls it, on made-up hosts and on this one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import Host
from watchdog_oom.cli.init.toml_text import shown

Run = Callable[..., Result]
TCP = ("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
       "   0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   111        0 4711 1 0 100 0\n")


@pytest.fixture
def systemd(tmp_path: Path) -> Path:
    """A configuration for hosts with systemd."""
    path = tmp_path / "watchdog-oom.toml"
    path.write_text('[services]\nmanager = "systemd"\n')
    return path


@pytest.fixture
def database(host: Host) -> Host:
    host.put(320, "mariadbd", exe="/usr/sbin/mariadbd", unit="mariadb.service", rss_mib=120)
    (host.root / "net").mkdir()
    (host.root / "net/tcp").write_text(TCP)
    (host.root / "320/fd").mkdir()
    (host.root / "320/fd/7").symlink_to("socket:[4711]")
    host.put(400, 'evil"]\n[emergency]', exe="/tmp/a\nb", rss_mib=300)
    return host


def words(text: str) -> str:
    """The text of comments, unwrapped."""
    return " ".join(re.sub(r"^# *", "", text, flags=re.MULTILINE).split())


def unexplained(run: Run, path: Path, *options: str | Path) -> list[str]:
    """The warnings of check that the policy does not name."""
    checked = run("check", path, *options)
    assert checked.exit_code in (0, 1), checked.output
    said = re.findall(r"init\.toml:\d+: (.*)$", checked.output, re.MULTILINE)
    assert (checked.exit_code == 1) == bool(said)
    return [warning for warning in said if words(f"# {shown(warning)}") not in words(path.read_text())]


def test_a_host_becomes_a_policy_that_check_accepts_and_that_explains_every_warning(
        database: Host, systemd: Path, run: Run, tmp_path: Path) -> None:
    options = ("--proc", database.root, "--config", systemd)
    made = run("init", "-o", tmp_path / "init.toml", *options)
    assert made.exit_code == 0, made.output
    assert f"{tmp_path}/init.toml: written. It only observes." in made.output
    text = (tmp_path / "init.toml").read_text()
    assert 'probe      = { tcp = "127.0.0.1:3306", within = "10min" }' in text
    assert r"evil\"]\n[emergency]" in text or r'evil"]\n[emergency]' in text
    assert unexplained(run, tmp_path / "init.toml", *options) == []
    planned = run("plan", tmp_path / "init.toml", *options)
    assert planned.exit_code == 0, planned.output


def test_this_very_host_gets_one_that_check_accepts(run: Run, tmp_path: Path) -> None:
    began = time.monotonic()
    made = run("init", "-o", tmp_path / "init.toml")
    assert made.exit_code == 0, made.output
    assert time.monotonic() - began < 30
    assert unexplained(run, tmp_path / "init.toml") == []


@pytest.mark.parametrize("wanted", ["mail", "web", "database", "build"])
def test_one_that_starts_from_a_shipped_policy_explains_what_is_not_here(
        wanted: str, database: Host, systemd: Path, run: Run, tmp_path: Path) -> None:
    options = ("--proc", database.root, "--config", systemd)
    assert run("init", "--for", wanted, "-o", tmp_path / "init.toml", *options).exit_code == 0
    assert unexplained(run, tmp_path / "init.toml", *options) == []


def test_a_file_that_is_there_is_refused_and_a_diff_is_offered(database: Host, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "init.toml"
    target.write_text("description = 'mine'\n")
    refused = run("init", "-o", target, "--proc", database.root)
    assert refused.exit_code == 2
    assert "is there already and stays as it is; --diff shows what would be different" in refused.output
    shown = run("init", "-o", target, "--diff", "--proc", database.root)
    assert shown.exit_code == 1
    assert "-description = 'mine'" in shown.output
    assert "+[process.mariadb]" in shown.output
    assert target.read_text() == "description = 'mine'\n"


def test_it_is_printed_where_no_file_is_named_and_that_can_be_compared(
        database: Host, run: Run, tmp_path: Path) -> None:
    printed = run("init", "--proc", database.root)
    assert printed.exit_code == 0
    assert printed.output.startswith("#:schema file:///")
    (tmp_path / "a.toml").write_text(printed.output)
    assert run("init", "-o", tmp_path / "a.toml", "--diff", "--proc", database.root).output == ""


def test_a_diff_with_nothing_is_wrong_usage(run: Run) -> None:
    assert run("init", "--diff").exit_code == 2

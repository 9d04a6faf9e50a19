"""``watchdog-oom notify`` as an administrator calls it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.notify.conftest import MailServer

Run = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path, sendmail: Path) -> Path:
    tmp_path.chmod(0o755)
    path = tmp_path / "notify.toml"
    path.write_text(f'[notify]\nhost = "mail1"\n[target.ops]\nmail = ["ops@example.com"]\nsendmail = ["{sendmail}"]\n'
                    '[target.other]\nrun = ["/nowhere/hook"]\n')
    return path


def test_a_test_tells_each_target_and_says_how_it_went(run: Run, config: Path, mail_server: MailServer) -> None:
    mail_server.start()
    result = run("notify", "--config", config, "--test")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"ops: sent by {config.parent / 'sendmail'}",
        "other: not sent: /nowhere/hook: cannot be run: No such file or directory"]
    assert mail_server.received[0]["Subject"] == "[mail1] watchdog-oom: a test"


def test_a_configuration_with_a_fault_is_refused_with_its_line(run: Run, config: Path) -> None:
    config.write_text("[notify]\nrate = 0\n")
    result = run("notify", "--config", config, "--once")
    assert result.exit_code == 2
    assert f"{config}:2: [notify] rate: must be more than zero" in result.output


def test_a_test_and_a_round_exclude_each_other(run: Run, config: Path) -> None:
    assert run("notify", "--config", config, "--once", "--test").exit_code == 2


def test_a_state_that_others_could_change_is_refused(run: Run, config: Path) -> None:
    (config.parent / "state").mkdir()
    (config.parent / "state").chmod(0o777)
    result = run("notify", "--config", config, "--once", "--state", config.parent / "state", "--runtime",
                 config.parent / "run", "--log", config.parent / "log")
    assert result.exit_code == 2
    assert "is writable by its group and others" in result.output

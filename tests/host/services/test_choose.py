"""Which service manager a host has, and what may be the name of a unit."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchdog_oom.errors import UsageError
from watchdog_oom.host.services.choose import choose_manager


def test_systemd_is_chosen_where_it_runs_and_init_scripts_elsewhere(tmp_path: Path) -> None:
    assert choose_manager(root=str(tmp_path)).name == "lsb"
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert choose_manager(root=str(tmp_path)).name == "systemd"


def test_the_configuration_overrules_what_is_found(tmp_path: Path) -> None:
    assert choose_manager("systemd", root=str(tmp_path)).name == "systemd"
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert choose_manager("service", root=str(tmp_path), init_dir="/x").start("amavis") == ("/x/amavis", "start")


def test_an_unknown_manager_is_refused_naming_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'upstart' is not a service manager; use auto, systemd or service"):
        choose_manager("upstart")

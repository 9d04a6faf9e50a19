"""The daemon's own configuration file."""

from __future__ import annotations

import marshal
from pathlib import Path

import pytest

from watchdog_oom.daemon.config import Config, Manager, build_config
from watchdog_oom.errors import PolicyError
from watchdog_oom.policy.load import load_config


def config(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "watchdog-oom.toml"
    file.write_text(text)
    return build_config(marshal.loads(marshal.dumps(load_config(str(file), check_ownership=False).ir)))


def refused(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(PolicyError) as error:
        config(tmp_path, text)
    return [str(fault).removeprefix(str(tmp_path)) for fault in error.value.faults]


def test_a_missing_file_means_defaults_and_is_noted(tmp_path: Path) -> None:
    loaded = load_config(str(tmp_path / "missing.toml"))
    assert build_config(loaded.ir) == Config()
    assert "missing.toml" in loaded.notes[0]


def test_a_dangling_link_is_not_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "link.toml").symlink_to("nowhere")
    with pytest.raises(PolicyError, match="cannot be read"):
        load_config(str(tmp_path / "link.toml"))


def test_what_is_not_given_keeps_its_default(tmp_path: Path) -> None:
    assert config(tmp_path, "[tick]\nslowest = '2s'\n") == Config(tick_slowest_seconds=2.0)
    assert config(tmp_path, "") == Config()


def test_every_key_has_its_effect(tmp_path: Path) -> None:
    text = """
[budget]
kills_per_minute = 5
purge_entries = 1000
[journal]
segment_size = "1MiB"
keep = 3
[tick]
fastest = "50ms"
slowest = "5s"
[services]
manager = "service"
init_dir = "/opt/init.d/"
[recorder]
enabled = false
keep = "2d"
size = "10MiB"
every = "30s"
"""
    assert config(tmp_path, text) == Config(5, 1000, 1 << 20, 3, 0.05, 5.0, Manager.SERVICE, "/opt/init.d",
                                            False, 2 * 86400.0, 10 << 20, 30.0)


def test_all_mistakes_are_reported_at_once_with_line_and_hint(tmp_path: Path) -> None:
    text = """[budgets]
[budget]
kills = 3
kills_per_minute = 0
purge_entries = "many"
[journal]
segment_size = "10%"
[tick]
fastest = "5s"
[services]
manager = "sysemd"
init_dir = "etc/init.d"
"""
    assert refused(tmp_path, text) == [
        '/watchdog-oom.toml:1: unknown table "budgets" — did you mean "budget"?',
        '/watchdog-oom.toml:3: [budget]: unknown key "kills"',
        "/watchdog-oom.toml:4: [budget] kills_per_minute: must be more than zero",
        "/watchdog-oom.toml:5: [budget] purge_entries: must be a whole number, not text (write it without quotes)",
        ('/watchdog-oom.toml:7: [journal] segment_size: must be a size like "8MiB": '
         "there is nothing this could be a percentage of"),
        "/watchdog-oom.toml:9: [tick] fastest: fastest must not be longer than slowest",
        '/watchdog-oom.toml:11: [services] manager: must be "auto" or "systemd" or "service", not "sysemd"',
        '/watchdog-oom.toml:12: [services] init_dir: "etc/init.d" must be an absolute path',
    ]


def test_bounds_are_told_in_the_units_of_the_key(tmp_path: Path) -> None:
    faults = refused(tmp_path, "[tick]\nfastest = '1ms'\nslowest = '2min'\n[journal]\nsegment_size = '1KiB'\n")
    assert [fault.split(": ")[-1] for fault in faults] == ["must be at least 10ms", "must be at most 1min",
                                                           "must be at least 64KiB"]

"""The daemon's own configuration file."""

from __future__ import annotations

import marshal
from pathlib import Path

import pytest

from watchdog_oom.core.hook_action import HookEvent, HookSettings
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
[hooks]
incident_opens = ["/bin/true", "1"]
before_kill = ["/bin/true", "2"]
hold_begins = ["/bin/true", "3"]
incident_closes = []
timeout = "3s"
[recorder]
enabled = false
keep = "2d"
size = "10MiB"
every = "30s"
"""
    hooks = (("/bin/true", "1"), ("/bin/true", "2"), ("/bin/true", "3"), (), 3.0)
    found = config(tmp_path, text)
    assert found == Config(5, 1000, 1 << 20, 3, 0.05, 5.0, Manager.SERVICE, "/opt/init.d", *hooks, (),
                           False, 2 * 86400.0, 10 << 20, 30.0)
    assert found.hooks == HookSettings({HookEvent.INCIDENT_OPENS: hooks[0], HookEvent.BEFORE_KILL: hooks[1],
                                        HookEvent.HOLD_BEGINS: hooks[2]}, 3.0)


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


@pytest.mark.parametrize(("line", "words"), [
    ('before_kill = "/bin/true"', "must be a list"),
    ('before_kill = ["true"]', "must be the absolute path of a program"),
    ('before_kill = ["/bin/true", 3]', "item 2 of the list must be text in quotes"),
    ('before_kil = ["/bin/true"]', "did you mean"),
    ('timeout = "2min"', "must be at most 1min"),
    ('timeout = 5', "a duration needs a unit"),
    ('timeout = "0s"', "must be"),
])
def test_a_hook_that_is_no_command_is_a_fault_at_its_line(tmp_path: Path, line: str, words: str) -> None:
    (fault,) = refused(tmp_path, f"[hooks]\n{line}\n")
    assert fault.startswith("/watchdog-oom.toml:2: [hooks]")
    assert words in fault


def test_a_hook_that_cannot_be_run_is_a_warning_at_its_line_and_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "watchdog-oom.toml"
    file.write_text(f'[budget]\nkills_per_minute = 5\n[hooks]\nbefore_kill = ["{tmp_path}/gone"]\n')
    loaded = load_config(str(file), check_ownership=False)
    (warning,) = loaded.warnings
    assert str(warning) == (f"{file}:4: [hooks] before_kill: is not run: {tmp_path}/gone: cannot be run: "
                            "No such file or directory")
    found = build_config(marshal.loads(marshal.dumps(loaded.ir)))
    assert (found.kills_per_minute, found.doubts) == (5, (str(warning),))

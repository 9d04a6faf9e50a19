"""Which service manager a host has, and what may be the name of a unit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.errors import UsageError
from watchdog_oom.host.services.choose import choose_manager
from watchdog_oom.host.services.names import exit_words, full_name, is_unit_name, one_line


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


@pytest.mark.parametrize("name", ["amavis", "amavis.service", "postgresql@15-main.service", "dev-sda\\x2d1.swap", "_x"])
def test_ordinary_names_are_unit_names(name: str) -> None:
    assert is_unit_name(name)


@pytest.mark.parametrize("name", ["", "-x", "--force", ".", "..", "../x", "a/b", "a b", "a\n", "a\0", "é", "x" * 300])
def test_what_could_be_read_as_an_option_or_a_path_is_not(name: str) -> None:
    assert not is_unit_name(name)


@given(st.text())
def test_no_unit_name_holds_a_slash_or_begins_like_an_option(name: str) -> None:
    if is_unit_name(name):
        assert "/" not in name
        assert name[0] not in "-."
        assert name.isascii()
        assert name.isprintable()


def test_a_name_without_suffix_is_a_services() -> None:
    assert full_name("amavis") == full_name("amavis.service") == "amavis.service"
    assert full_name("amavis.socket") == "amavis.socket"
    assert full_name("php8.2-fpm") == "php8.2-fpm.service"


def test_output_is_made_one_line_that_is_safe_to_print() -> None:
    assert one_line("  first\n\n\x1b[31mred\t\n") == "first; \\x1b[31mred"


@pytest.mark.parametrize(("status", "words"), [(3, "ended with status 3"), (128, "ended with status 128"),
                                              (139, "was ended by SIGSEGV"), (255, "was ended by status 255")])
def test_exit_statuses_are_told_as_shells_count_them(status: int, words: str) -> None:
    assert exit_words(status) == words

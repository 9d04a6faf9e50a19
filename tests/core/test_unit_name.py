"""One judgement of unit names, for policies as for whatever is handed to a service manager."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.unit_name import full_name, is_unit_name
from watchdog_oom.policy import texts


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


@given(st.text(st.sampled_from("-.:@\\_/a\n é"), max_size=4))
def test_a_policy_takes_just_the_names_that_can_be_acted_upon(name: str) -> None:
    try:
        texts.unit(name)
    except ValueError:
        assert not is_unit_name(name)
    else:
        assert is_unit_name(name)

from __future__ import annotations

import os

import pytest

from watchdog_oom.daemon import options
from watchdog_oom.daemon.options import Options, parse
from watchdog_oom.errors import UsageError


def test_without_options_the_default_directories_hold() -> None:
    assert parse([]) == Options()
    assert parse([]).policies == ("/etc/watchdog-oom/policies.d",)


def test_policies_may_be_given_again_and_again_and_replace_the_default() -> None:
    assert parse(["--policies", "/a", "--policies=/b"]).policies == ("/a", "/b")


def test_relative_paths_are_made_absolute_since_children_work_elsewhere() -> None:
    assert parse(["--log", "log"]).log == os.path.abspath("log")


@pytest.mark.parametrize("words", [["--bogus"], ["--state"], ["stray"], ["--observe=yes"], ["-x"]])
def test_what_is_not_an_option_is_a_usage_error_that_says_so(words: list[str]) -> None:
    with pytest.raises(UsageError, match=r"no such option|value is missing|takes options only"):
        parse(words)


def test_the_help_names_every_option() -> None:
    for name in Options.__dataclass_fields__:
        assert f"--{name}" in options.HELP

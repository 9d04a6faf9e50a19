"""What is made up of a process of which a case says only its noun."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.cli.policy_test.case import Given
from watchdog_oom.cli.policy_test.from_noun import completed, of_glob
from watchdog_oom.core.glob import glob_pattern


def made(noun: dict[str, Any], **values: Any) -> dict[str, Any]:
    return completed(Given((), {"noun": "n", **values}), noun)


@given(st.text(alphabet="ab/*?[]!-^.", max_size=12))
def test_a_text_made_of_a_glob_matches_it_or_the_case_is_told_later(glob: str) -> None:
    try:
        pattern = glob_pattern(glob, path=True)
    except (ValueError, re.error):
        return
    text = of_glob(glob, "n")
    if not set("[]!-^") & set(glob) and not glob.endswith("?") and "/" not in glob and glob.strip("*"):
        assert pattern.fullmatch(text), (glob, text)


@pytest.mark.parametrize(("glob", "text"), [
    ("/usr/sbin/php-fpm*", "/usr/sbin/php-fpm"), ("/usr/lib/postfix/sbin/*", "/usr/lib/postfix/sbin/n"),
    ("/usr/lib/postgresql/*/bin/postgres", "/usr/lib/postgresql/1/bin/postgres"),
    ("worker@*.service", "worker@1.service"),
    ("[ab]c", "ac"), ("[!ab]c", "_c"), ("a?", "ax"), ("*", "n")])
def test_stars_become_what_is_shortest(glob: str, text: str) -> None:
    assert of_glob(glob, "n") == text


def test_what_the_case_says_is_never_made_up() -> None:
    noun = {"exe": ("/usr/bin/a",), "user": ("u", "v"), "age_above": 60.0, "rss_above": ("bytes", 100),
            "orphaned": True, "under": ("s", "t"), "parent": ("p",)}
    assert made(noun) == {"noun": "n", "exe": "/usr/bin/a", "user": "u", "parent": "p", "under": ("s",), "age": 120.0,
                          "rss": 200, "orphaned": True}
    assert made(noun, user="w", rss=5, parent="q")["user"] == "w"
    assert made({"name": ("a",), "parent": ("n",)}) == {"noun": "n", "name": "a"}  # the root of a whole tree


def test_a_pattern_that_is_a_text_is_one_and_of_another_an_example_is_asked_for() -> None:
    assert made({"name": ("a",), "cmdline": (r"^jenkins\.war$",)})["cmdline"] == "jenkins.war"
    for pattern in ("a+", r"\d", "a.b", "(a)", "[ab]"):
        with pytest.raises(ValueError, match='give its "cmdline"'):
            made({"name": ("a",), "cmdline": (pattern,)})
    with pytest.raises(ValueError, match="n says neither"):
        made({"user": ("a",)})

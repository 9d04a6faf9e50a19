"""Regular expressions that can take for ever, told from those that cannot."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchdog_oom.cli.check.explosive import why_explosive


@pytest.mark.parametrize("pattern", [
    r"(a+)+$", r"(a|a)*$", r"(.*a){20}", r"^python3? (\S+ ?)+--worker$", r"(a*)*b", r"(?:x+x+)+y", r"(\w+\s?)*$",
    r"((ab|ab)c?)*", r"(a|a?)+$", r"(\d+|\w+)*!", r"\S*\S*=", r"(([a-z])+.)+[A-Z]", r"(?=(a+)+b)x", r".*worker",
    r".+x", r"([^ ]*x?)*--"])
def test_what_can_explode_is_named_with_its_reason(pattern: str) -> None:
    assert why_explosive(pattern)


@pytest.mark.parametrize("pattern", [
    r"^tail /dev/zero", r"--tempdir=\S+", r"java .*kafka\.Kafka", r"(\S+ )+--worker$", r"(foo|bar)*", r"x$", "",
    r"postgres: .* idle in transaction", r"(/[^/]+)*/bin", r"[a-z]+=[0-9]+", r"^(python3?|perl) -m", r"\bphp\d*\b",
    r"(-D\w+ )*x", r"a{3}b{2,5}", r"(?i)CRON -f"])
def test_what_administrators_write_is_left_alone(pattern: str) -> None:
    assert why_explosive(pattern) is None


@settings(deadline=None)
@given(st.from_regex(r"(\(?[ab.\\w\[\]^|]\)?[*+?]?){0,8}", fullmatch=True))
def test_every_valid_pattern_is_read(pattern: str) -> None:
    with suppress(re.error, FutureWarning):  # policies are refused for either
        re.compile(pattern)
        assert why_explosive(pattern) != ""

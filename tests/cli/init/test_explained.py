"""What ``check`` warns of stands in the policy, with its reason, and moves no line."""

from __future__ import annotations

import tomllib

from watchdog_oom.cli.init.explained import with_explanations
from watchdog_oom.errors import Fault


def test_each_warning_is_there_once_with_its_reason_behind_everything_else() -> None:
    warnings = [Fault("f", 3, "[process.x]", 'matches nothing now: "/x" is not running\n[emergency]')] * 2
    text = with_explanations("a = 1\n", warnings)
    assert text.startswith("a = 1\n")
    assert text.count("matches nothing now") == 1
    assert "→ it does not run at the moment" in text
    assert tomllib.loads(text) == {"a": 1}


def test_without_a_warning_nothing_is_added() -> None:
    assert with_explanations("a = 1\n", []) == "a = 1\n"

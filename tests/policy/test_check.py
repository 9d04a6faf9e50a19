"""Every file of ``broken/`` has one kind of mistake and says, after ``#!``, the line and the words to expect."""

from __future__ import annotations

import os
import re

import pytest

from watchdog_oom.errors import PolicyError
from watchdog_oom.policy.load import load_policy

BROKEN = os.path.join(os.path.dirname(__file__), "broken")
_EXPECTATION = re.compile(r"^\ufeff?#! (\d+): (.*)$", re.MULTILINE)


def expectations(path: str) -> list[tuple[int, str]]:
    with open(path, encoding="utf-8", errors="replace") as file:
        return [(int(line), words) for line, words in _EXPECTATION.findall(file.read())]


@pytest.mark.parametrize("name", sorted(os.listdir(BROKEN)))
def test_a_broken_policy_is_refused_with_the_line_and_the_reason_and_nothing_else(name: str) -> None:
    path = os.path.join(BROKEN, name)
    with pytest.raises(PolicyError) as refused:
        load_policy(files=[path], check_ownership=False)
    faults = refused.value.faults
    expected = expectations(path)
    assert expected
    assert len(faults) == len(expected), str(refused.value)
    for fault, (line, words) in zip(faults, expected, strict=True):
        assert (fault.file, fault.line) == (path, line), str(fault)
        assert words in str(fault)


def test_there_are_enough_broken_files() -> None:
    assert len(os.listdir(BROKEN)) >= 25

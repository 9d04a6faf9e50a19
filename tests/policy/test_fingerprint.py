"""Whether two texts of a recovery mean the same."""

from __future__ import annotations

import pytest

from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.files import Gathered
from watchdog_oom.policy.load import check_documents

TEXT = """
[process.p]
exe = "/usr/bin/p"
parent = "q"
[process.q]
exe = "/usr/bin/q"
[process.other]
exe = "/usr/bin/other"
[spool.s]
path = "/var/spool/s"
entries = "*"
stale_after = "1h"
[recover.r]
when = [{ spool = "s", entries_above = 5 }]
steps = [{ kill = "p" }, { purge = "s" }]
cooldown = "5min"
"""


def fingerprint(text: str) -> str:
    gathered = Gathered()
    ir = check_documents([("x.toml", text.encode())], gathered)
    assert not gathered.faults
    return build_policy(ir).recovers["r"].fingerprint


@pytest.mark.parametrize(("before", "after"), [
    ("entries_above = 5", "entries_above = 6"),
    ('kill = "p"', 'kill = "q"'), ('cooldown = "5min"', 'cooldown = "6min"'),
    ('exe = "/usr/bin/p"', 'exe = "/usr/bin/p2"'), ('exe = "/usr/bin/q"', 'exe = "/usr/bin/q2"'),
    ('"/var/spool/s"', '"/var/spool/s2"')])
def test_another_meaning_is_another_fingerprint_be_it_in_a_noun_of_a_noun(before: str, after: str) -> None:
    assert fingerprint(TEXT.replace(before, after)) != fingerprint(TEXT) != ""


@pytest.mark.parametrize(("before", "after"), [
    ("\n[recover.r]", "\n# a comment\n[recover.r]"), ('cooldown = "5min"', 'cooldown = "300s"'),
    ('spool = "s", entries_above = 5', 'entries_above = 5, spool = "s"'),
    ('exe = "/usr/bin/other"', 'exe = "/usr/bin/another"')])
def test_the_same_meaning_is_the_same_fingerprint(before: str, after: str) -> None:
    assert before in TEXT
    assert fingerprint(TEXT.replace(before, after)) == fingerprint(TEXT)

"""Which records are wanted, and what is said when there are none."""

from __future__ import annotations

from watchdog_oom.cli.audit_filter import AuditFilter


def test_without_a_wish_nothing_is_missed() -> None:
    asked = AuditFilter(None, None)
    assert list(asked.wanted([])) == []
    assert asked.nothing(None) == ""


def test_a_name_that_nobody_gave_is_printed_harmlessly() -> None:
    asked = AuditFilter("x\x1b[2J", None)
    assert list(asked.wanted([])) == []
    assert asked.nothing("2h") == 'no record of rule "x\\x1b[2J" since 2h'

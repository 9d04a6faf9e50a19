"""Errors as people read them, and where an unexpected one came from."""

from __future__ import annotations

from watchdog_oom.errors import Fault, NotPermittedError, NotRunningError, PolicyError, UsageError, place_of


def test_a_fault_says_file_line_place_and_reason_as_far_as_they_are_known() -> None:
    assert str(Fault("a.toml", 3, "[limit.x] rss", "wrong")) == "a.toml:3: [limit.x] rss: wrong"
    assert str(Fault("a.toml", 3, "", "wrong")) == "a.toml:3: wrong"
    assert str(Fault("a.toml", 0, "", "wrong")) == "a.toml: wrong"


def test_all_faults_of_a_policy_come_at_once_in_the_order_of_the_files() -> None:
    late, early, other = Fault("a", 10, "", "x"), Fault("a", 9, "", "x"), Fault("b", 1, "", "x")
    assert str(PolicyError((other, late, early))) == "a:9: x\na:10: x\nb:1: x"


def test_each_error_has_the_exit_status_that_the_commands_document() -> None:
    errors = (UsageError, PolicyError, NotPermittedError, NotRunningError)
    assert [error.exit_status for error in errors] == [2, 2, 3, 4]


def test_the_place_of_an_error_is_where_it_was_raised_not_where_it_was_caught() -> None:
    try:
        int("x", 99)
    except ValueError as error:
        assert place_of(error).startswith("test_errors.py:")
    try:
        place_of(None)  # type: ignore[arg-type]
    except AttributeError as error:
        assert place_of(error).startswith("errors.py:")
    assert place_of(ValueError()) == "an unknown place"

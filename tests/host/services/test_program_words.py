"""What programs print and how they end, in words that are safe to show."""

from __future__ import annotations

import pytest

from watchdog_oom.host.services.program_words import exit_words, one_line, with_output


def test_output_is_made_one_line_that_is_safe_to_print() -> None:
    assert one_line("  first\n\n\x1b[31mred\t\n") == "first; \\x1b[31mred"


@pytest.mark.parametrize(("status", "words"), [(3, "ended with status 3"), (128, "ended with status 128"),
                                              (139, "was ended by SIGSEGV"), (255, "was ended by status 255")])
def test_exit_statuses_are_told_as_shells_count_them(status: int, words: str) -> None:
    assert exit_words(status) == words


def test_silence_adds_nothing() -> None:
    assert with_output("failed", "\n \n") == "failed"
    assert with_output("failed", "no such unit\n") == "failed: no such unit"

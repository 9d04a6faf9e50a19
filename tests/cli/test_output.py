"""Pages are only ever text: styles are ours, and whatever a process says is printed and not obeyed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.cli.output import Page, safe, wants_colour


@given(st.text())
def test_nothing_that_a_terminal_would_obey_reaches_the_page(text: str) -> None:
    page = Page()
    page.line(text, (text, "bold red"))
    page.table(("NAME",), [(text,)])
    assert all(line.isprintable() for line in page.text().split("\n"))
    assert safe(safe(text)) == safe(text)


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    page = Page()
    page.table(("PID", "NAME"), [("1", "init"), ("4711", "clamscan")], right=(0,), indent=1)
    assert page.text() == "   PID  NAME\n     1  init\n  4711  clamscan\n"


def test_styles_are_only_shown_where_colours_are_wanted() -> None:
    page = Page()
    page.title("Head")
    page.title("Next")
    assert page.text() == "Head\n\nNext\n"
    assert page.text(colour=True) == "\x1b[1mHead\x1b[0m\n\n\x1b[1mNext\x1b[0m\n"


def test_no_color_wins_over_force_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert wants_colour()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour()

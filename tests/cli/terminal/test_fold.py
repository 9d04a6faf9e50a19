"""A page in a small window: what is wrong is whole, the rest says how much it hides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.cli.output import Page
from watchdog_oom.cli.terminal.fold import folded, scrolled

WRONG = "recover.amavis is held until 14:00:00: needs attention"


def page(*, rows: int = 30, rules: int = 5) -> Page:
    made = Page()
    made.line(("watchdog-oomd", "bold"), " has run for 3h, pid 77")
    made.title("Needs attention")
    made.line((WRONG, "bold red"), indent=1)
    for title, count in (("Largest processes", rows), ("Rules", rules)):
        made.title(title)
        for number in range(count):
            made.line(f"{title} {number}", indent=1)
    return made


def lines(made: Page) -> list[str]:
    return made.text().splitlines()


def test_a_page_that_fits_stays_as_it_is() -> None:
    assert folded(page(), 200, 50, keep=("Needs attention",)).text() == page().text()


def test_in_a_small_window_what_is_wrong_stands_first_and_the_longest_section_gives_way() -> None:
    seen = lines(folded(page(), 80, 23, keep=("Needs attention",)))
    assert len(seen) == 23
    assert seen[1:4] == ["Needs attention", f"  {WRONG}", "Largest processes"]
    assert seen[16] == "  … 18 more lines" and seen[17:] == ["Rules", *(f"  Rules {number}" for number in range(5))]


def test_in_a_narrow_window_what_is_wrong_is_wrapped_and_the_rest_is_cut() -> None:
    made = page(rows=1)
    made.line("x" * 60, indent=1)
    seen = lines(folded(made, 40, 23, keep=("Needs attention",)))
    assert seen[3:5] == ["  recover.amavis is held until 14:00:00:", "needs attention"]
    assert seen[-1] == "  " + "x" * 37 + "…"


def test_sections_for_which_there_is_no_room_are_named_and_the_first_ones_are_shown() -> None:
    made = page()
    for title in ("Policy", "Health"):
        made.title(title)
        made.line("well", indent=1)
    seen = lines(folded(made, 80, 12, keep=("Needs attention",)))
    assert seen[3] == "Largest processes" and seen[8] == "Rules"
    assert seen[-1] == "… below: Policy, Health"


def test_scrolled_pages_follow_each_other_below_what_is_wrong() -> None:
    whole, last = scrolled(page(), 80, 20, 0, keep=("Needs attention",))
    assert lines(whole)[:4] == lines(page())[:1] + lines(page())[2:4] + ["Largest processes"]
    end, _ = scrolled(page(), 80, 20, 999, keep=("Needs attention",))
    assert lines(end)[:3] == lines(whole)[:3]
    assert lines(end)[-1] == "  Rules 4"
    assert len(lines(end)) == 20
    assert lines(scrolled(page(), 80, 20, last - 1, keep=("Needs attention",))[0])[-1] == "  Rules 3"


@pytest.mark.parametrize("height", [1, 2, 3, 6])
def test_even_the_smallest_window_begins_at_the_top(height: int) -> None:
    seen = lines(folded(page(), 80, height, keep=("Needs attention",)))
    assert len(seen) == height
    assert height == 1 or seen[0].startswith("watchdog-oomd")


@given(width=st.integers(20, 200), height=st.integers(1, 60), rows=st.integers(0, 40), rules=st.integers(0, 20))
def test_no_window_is_overrun(width: int, height: int, rows: int, rules: int) -> None:
    seen = lines(folded(page(rows=rows, rules=rules), width, height, keep=("Needs attention",)))
    assert len(seen) <= height and all(len(line) <= width for line in seen)

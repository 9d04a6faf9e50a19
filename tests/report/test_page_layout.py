"""The page on a phone, on paper and under a finger: what a reader of the file can tell without a browser."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest

from tests.report.conftest import BEGINS
from tests.report.journaled import done, incident, journaled, process
from tests.report.test_page import contrast, hostile_night, parsed
from watchdog_oom.report.model import Night
from watchdog_oom.report.page import html_of

SVG = "{http://www.w3.org/2000/svg}"
REM_PIXELS = 16
LEAST_TARGET_PIXELS = 44  # WCAG 2.5.5
LEAST_TEXT_PIXELS = 11


@pytest.fixture(scope="module")
def root(whole_night: Night) -> Element:
    return parsed(html_of(whole_night))


@pytest.fixture(scope="module")
def style(root: Element) -> str:
    found = root.find("head/style")
    assert found is not None
    return found.text or ""


def within(root: Element, tag: str) -> list[tuple[Element, list[Element]]]:
    """Every element of that tag with its ancestors, the nearest first."""
    parents = {child: parent for parent in root.iter() for child in parent}
    found = []
    for element in root.iter(tag):
        line = [element]
        while line[-1] in parents:
            line.append(parents[line[-1]])
        found.append((element, line[1:]))
    return found


def medium(style: str, query: str) -> str:
    """The rules of ``@media query``."""
    at = style.index("{", style.index(f"@media {query}")) + 1
    depth, end = 1, at
    while depth:
        depth += {"{": 1, "}": -1}.get(style[end], 0)
        end += 1
    return style[at:end - 1]


def test_it_is_as_wide_as_the_window(root: Element, style: str) -> None:
    (viewport,) = (meta.attrib["content"] for meta in root.iter("meta") if meta.attrib.get("name") == "viewport")
    assert viewport == "width=device-width, initial-scale=1"  # and zooming is not forbidden
    assert not [width for width in re.findall(r"[^-]width:(\d+)px", style) if int(width) > 4]
    assert "overflow-wrap:anywhere" in style


def test_what_is_wide_scrolls_in_a_box_of_its_own_that_the_keyboard_reaches(root: Element, style: str) -> None:
    assert ".scroll{overflow-x:auto" in style
    assert re.search(r"pre\{[^}]*overflow-x:auto", style)
    boxes = [line[0] for _, line in within(root, "table")]
    assert len(boxes) >= 6
    for box in [*boxes, *root.iter("pre")]:
        assert box.attrib["tabindex"] == "0"
        assert box.attrib["role"] == "group"  # a landmark for each table would be too many to walk
        assert box.attrib["aria-label"]
    assert all(box.attrib["class"] == "scroll" for box in boxes)


def test_no_two_landmarks_have_one_name_however_often_a_rule_acts(night: Callable[..., Night]) -> None:
    told = [record for number in range(3) for record in [
        incident(BEGINS + number, "opened", name=f"i-{number}"),
        *done(BEGINS + number, "KILL x[1]", process(1, "x"), name=f"i-{number}"),
        incident(BEGINS + number + 9, "closed: success", name=f"i-{number}", ok=True)]]
    page = parsed(html_of(night(journaled(told))))
    names = {element.attrib.get("id", ""): " ".join(element.itertext()) for element in page.iter()}
    landmarks = Counter(names[element.attrib["aria-labelledby"]] for element in page.iter("section"))
    assert len(landmarks) >= 2
    assert set(landmarks.values()) == {1}
    assert not [element for element in page.iter() if element.attrib.get("role") == "region"]


def test_texts_of_a_chart_are_never_scaled_with_it(root: Element) -> None:
    """A plot is stretched to the window; its labels stand beside it in units of the page."""
    plots = [(svg, line) for svg, line in within(root, f"{SVG}svg") if "viewBox" in svg.attrib]
    assert len(plots) == 5
    for plot, (chart, *_) in plots:
        assert plot.attrib["preserveAspectRatio"] == "none"
        assert not list(plot.iter(f"{SVG}text"))
        assert chart.attrib["width"] == "100%"
        assert "viewBox" not in chart.attrib
        assert int(chart.attrib["font-size"]) >= LEAST_TEXT_PIXELS
        assert int(chart.attrib["height"]) >= 120
        times = [float(text.attrib["x"].rstrip("%")) for text in chart.iter(f"{SVG}text") if "%" in text.attrib["x"]]
        assert len(times) >= 3
        assert min(times) * 3.36 >= 15  # half of a time, in the 336 pixels of a small phone
        assert max(times) * 3.36 <= 336 - 15


def test_what_can_be_tapped_is_as_large_as_a_finger(style: str) -> None:
    rules = medium(style, "(pointer:coarse),(max-width:30rem)")
    found = re.search(r"summary\{padding:([\d.]+)rem 0;line-height:([\d.]+)rem\}", rules)
    assert found is not None
    assert (2 * float(found[1]) + float(found[2])) * REM_PIXELS >= LEAST_TARGET_PIXELS


def test_steps_on_a_phone_are_read_without_scrolling(style: str) -> None:
    rules = medium(style, "(max-width:30rem)")
    assert ".steps tr{display:grid" in rules
    assert ".steps td{border:0;padding:0;min-width:0}" in rules
    others = style.replace(medium(style, "(min-width:30.01rem)"), "")
    assert not re.search(r"\.steps[^{]*\{[^}]*min-width:1\drem", others)


def test_paper_is_white_whatever_the_screen_was(style: str) -> None:
    """A browser prints with the colours of the scheme that is chosen, also of the dark one."""
    dark, paper = (dict(re.findall(r"--(\w+):(#[0-9a-f]+)", medium(style, query)))
                   for query in ("(prefers-color-scheme:dark)", "print"))
    assert dark.keys() - paper.keys() == {"fade"}  # a shade of the screen's scrolling
    assert paper["paper"] == paper["card"] == "#fff"
    for name in ("ink", "soft", "link", "red", "amber", "green"):
        assert contrast(paper[name], "#fff") >= 4.5, name
    for name in ("c0", "c1", "c2", "c3", "shade"):
        assert contrast(paper[name], "#fff") >= 3, name


def test_no_chart_and_no_row_is_cut_over_two_sheets_and_nothing_is_cut_off(style: str) -> None:
    rules = medium(style, "print")
    together = re.search(r"([^{}]*)\{break-inside:avoid\}", rules)
    assert together is not None
    assert {"figure", "tr", "article", ".scroll"} <= set(together[1].split(","))
    assert ".scroll,pre{overflow:visible}" in rules
    assert "pre{white-space:pre-wrap}" in rules
    assert re.search(r"h2,h3,[^{}]*\{break-after:avoid\}", rules)


def test_a_sentence_can_be_read_however_long_the_names_in_it_are() -> None:
    told = hostile_night("x" * 5000)
    assert len(told.headline) < 2000
    assert "x" * 100 not in told.headline.replace("x" * 160, "")

"""The page: valid HTML without a request to anywhere, of bounded size, and the same whatever names are in it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.core.build import proc
from tests.examples import at_most
from tests.report.conftest import BEGINS, night_from
from tests.report.journaled import done, incident, journaled, process
from watchdog_oom.core.memory import Memory, Pressure
from watchdog_oom.core.model import Clock, KernelKill, Snapshot, SpoolState
from watchdog_oom.report.model import Night
from watchdog_oom.report.page import LARGEST_BYTES, html_of

HOSTILE = ["</style><script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "<!--", "]]>",
           "\x1b]0;x\x07\x1b[31m", "a\u202egnp.exe", "a\nb\r\nc", "&lt;b&gt;", "{{ 7 * 7 }}", "' onmouseover='x",
           "\udcff\udcfe", "\x00", "a" * 5000, "</svg></title>", "javascript:x", "\u2028", "\ufdd0", "🦊", "x y"]
names = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=40))
VOID = {"meta", "br", "img", "link", "input"}


def parsed(page: str) -> Element:
    """As a strict parser reads it: any error of the markup fails."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    root: Element = parser.parse(page)
    return root


def skeleton(page: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(str(element.tag), tuple(sorted(element.attrib))) for element in parsed(page).iter()]


def hostile_night(name: str) -> Night:
    """The same things happen, to things of that name."""
    def snapshot(at: float, used_mib: int, *kills: KernelKill) -> Snapshot:
        hog = proc(77, name, rss=used_mib, exe=f"/usr/{name}", user=name, unit=name, cmdline=name)
        return Snapshot(Clock(at, at - 1e9), memory=Memory(1 << 30, (1 << 30) - (used_mib << 20), used_mib << 20, 0, 0),
                        pressure=Pressure(1.0, 0.5), processes={77: hog}, kernel_kills=kills,
                        spools={name: SpoolState(0.0, entries=used_mib)})
    kill = KernelKill(77, name, name, BEGINS + 900 - 1e9, unit=name)
    snapshots = [*(snapshot(BEGINS + 60 * step, 100 + 40 * step) for step in range(15)),
                 snapshot(BEGINS + 900, 900, kill)]
    target = process(77, name, exe=f"/usr/{name}", user=name, unit=name, rss=900 << 20)
    records = journaled([
        incident(BEGINS + 800, "opened", name=name, rule=name, because=(name, name)),
        *done(BEGINS + 801, f"KILL {name}", target, name=name, rule=name, result=name),
        *done(BEGINS + 805, f"purge {name}", {"spool": name, "path": name}, name=name, rule=name, result=name),
        *done(BEGINS + 806, f"stop {name}", {"unit": name, "service": name}, name=name, rule=name, result=name),
        incident(BEGINS + 820, f"closed: {name}", name=name, rule=name, ok=False),
        *done(BEGINS + 850, f"STOP {name}", target, name="", rule="limit.x", result=name),
        *done(BEGINS + 860, f"KILL {name}", target, name="e-1", rule="emergency", result=name)])
    status = {"v": 1, "rules": {"limit": [name]}, "recoveries": {name: {"state": "held", "owed": [name]}},
              "pauses": [{"rule": name, "by": name, "why": name, "until": BEGINS}], "frozen": [{"rule": name}],
              "contained": [{"unit": name, "rule": name}], "trash": {name: {}}, "health": {"troubles": [name]},
              "protected": [{"name": name}], "spools": {name: {"path": name}}}
    return night_from(records, snapshots, status, hours=0.5, host=name, troubles=[name])


@pytest.fixture(scope="module")
def harmless() -> list[tuple[str, tuple[str, ...]]]:
    return skeleton(html_of(hostile_night("hog")))


def test_it_is_valid_html(whole_night: Night) -> None:
    assert parsed(html_of(whole_night)).find("body") is not None


@settings(max_examples=at_most(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=names)
@example(name=HOSTILE[0])
@example(name=HOSTILE[1])
@example(name=HOSTILE[4])
@example(name=HOSTILE[13])
def test_its_structure_is_the_same_whatever_names_are_in_it(
        harmless: list[tuple[str, tuple[str, ...]]], name: str) -> None:
    page = html_of(hostile_night(name))
    page.encode()
    assert [part for part in skeleton(page) if part[0] in ("script", "style", "img", "a", "iframe")] == [
        ("style", ()), ("a", ("class", "href")), ("script", ())]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\u2028]", page)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_take_part_in_the_same_things_make_the_same_page(
        harmless: list[tuple[str, tuple[str, ...]]], name: str) -> None:
    """Advice apart: lines of a policy are only given for paths that can be written in one."""
    def comparable(found: list[tuple[str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
        return [part for part in found if part[0] not in ("ol", "li", "pre", "p", "section", "h2")]
    assert comparable(skeleton(html_of(hostile_night(name)))) == comparable(harmless)


def test_nothing_in_it_is_loaded_from_anywhere(whole_night: Night) -> None:
    page = html_of(whole_night)
    for element in parsed(page).iter():
        for key, value in element.attrib.items():
            assert key not in ("src", "srcset", "action", "style", "ping", "background"), (element.tag, key)
            assert not str(key).startswith("on"), (element.tag, key)
            assert key != "href" or value.startswith("#"), (element.tag, value)
    assert re.findall(r"https?://[^\s\"]+", page) == ["http://www.w3.org/2000/svg"] * page.count("<figure") + [
        "http://www.w3.org/2000/svg"]  # of the crosshair
    assert "@import" not in page
    assert "url(" not in page


def test_its_policy_admits_exactly_its_own_style_and_script(whole_night: Night) -> None:
    page = html_of(whole_night)
    policy = next(element.attrib["content"] for element in parsed(page).iter("meta")
                  if element.attrib.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert {"base-uri 'none'", "form-action 'none'"} <= set(policy.split("; "))
    for tag in ("style", "script"):
        (text,) = (match[1] for match in re.finditer(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL))
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_charts_of_two_days_take_little_however_wild_they_were() -> None:
    chance = Random(1)
    wild = (Snapshot(Clock(at, at - 1e9), memory=Memory(1 << 30, chance.randint(1, 999) << 20, 1, 1 << 30,
                                                       chance.randint(1, 999) << 20),
                     pressure=Pressure(chance.random() * 90, chance.random() * 50),
                     spools={name: SpoolState(0.0, entries=chance.randint(0, 500)) for name in "ab"})
            for at in range(int(BEGINS), int(BEGINS) + 2 * 86_400, 60))
    charts = re.findall(r"<svg.*?</svg>", html_of(night_from((), wild, hours=48)), re.DOTALL)
    assert len(charts) == 3
    assert 10_000 < sum(map(len, charts)) <= 22_000


@pytest.mark.slow
def test_the_largest_night_fits_and_says_what_is_left_out() -> None:
    many = [record for number in range(60) for record in [
        incident(BEGINS + number * 60, "opened", name=f"i-{number}", because=("<" * 400,) * 12),
        *(each for step in range(20) for each in done(BEGINS + number * 60 + step, f"purge {'<' * 300}{step}",
                                                     {"spool": "x"}, name=f"i-{number}", result="&" * 390)),
        incident(BEGINS + number * 60 + 30, "closed: success", name=f"i-{number}", ok=True)]]
    page = html_of(night_from(journaled(many)))
    assert len(page.encode()) <= LARGEST_BYTES
    assert "more incidents are not shown here" in page


def headings(root: Element) -> Iterator[int]:
    return (int(str(element.tag)[1]) for element in root.iter() if re.fullmatch("h[1-6]", str(element.tag)))


def test_it_can_be_walked_by_keyboard_and_screen_reader(whole_night: Night) -> None:
    root = parsed(html_of(whole_night))
    levels = list(headings(root))
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
    assert [element.tag for element in root.iter() if element.tag in ("header", "main", "footer")] == [
        "header", "main", "footer"]
    body = root.find("body")
    assert body is not None
    assert body[0].attrib["href"] == "#main"
    assert root.attrib["lang"] == "en"
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    referred = [element.attrib["aria-labelledby"] for element in root.iter() if "aria-labelledby" in element.attrib]
    assert set(referred) <= set(ids)
    tables = list(root.iter("table"))
    assert len(tables) >= 6
    for table in tables:
        assert table.find("caption") is not None
        assert all(cell.attrib.get("scope") in ("col", "row") for cell in table.iter("th"))
    figures = list(root.iter("figure"))
    assert all(figure.find("details") is not None for figure in figures)


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at:at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_has_the_contrast_that_wcag_asks_for_in_light_and_dark(whole_night: Night) -> None:
    style = re.search(r"<style>(.*?)</style>", html_of(whole_night), re.DOTALL)
    assert style is not None
    schemes = [dict(re.findall(r"--(\w+):(#[0-9a-f]+)", block)) for block in re.findall(r":root\{([^}]*)\}", style[1])]
    light, dark = schemes[0], {**schemes[0], **schemes[1]}
    for scheme in (light, dark):
        for text, ground in (("ink", "paper"), ("soft", "paper"), ("soft", "card"), ("ink", "card"), ("red", "redbg"),
                             ("amber", "amberbg"), ("green", "greenbg"), ("red", "paper"), ("link", "paper")):
            assert contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground, scheme)
        for line in ("c0", "c1", "c2", "c3", "shade"):
            assert contrast(scheme[line], scheme["paper"]) >= 3, (line, scheme)


def test_a_quiet_night_has_its_line_and_nothing_to_do(night: Callable[..., Night], mail_night: Any) -> None:
    calm = [mail_night.snapshot(BEGINS + at) for at in range(0, 3600, 60)]
    page = html_of(night((), calm, mail_night.status(), hours=1))
    titles = [element.text for element in parsed(page).iter("h2")]
    assert titles == ["The course of it"]
    assert "A quiet night: nothing had to be done" in page
    assert '<span class="badge quiet">Quiet</span>' in page


def test_a_night_of_which_nothing_is_known_is_not_called_quiet(night: Callable[..., Night]) -> None:
    for unknown in (night(()), night((), journal=False)):
        assert '<span class="badge observed">Not known</span>' in html_of(unknown)

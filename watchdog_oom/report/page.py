"""The page as one HTML file, without a request to anywhere and inert whatever the names in it are.

Every text goes through the template's escaping. Past a missed escape stands the page's own Content-Security-Policy: no
script and no style but the two that are named by their hash, nothing loaded, no form, no base.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from watchdog_oom import __version__, formatting
from watchdog_oom.formatting import printable
from watchdog_oom.report.charts import charts_of
from watchdog_oom.report.kernel_kills import sources_told
from watchdog_oom.report.model import MemoryHolder, Night, NightIncident
from watchdog_oom.report.scale import WIDTH
from watchdog_oom.report.steps import step_rows
from watchdog_oom.report.words import capital, clock, day_and_time, exact

LARGEST_BYTES = 512 << 10
MOST_INCIDENTS = 40
_TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates")


def html_of(night: Night) -> str:
    """The page; of a night with more than fits, fewer incidents are shown and the page says how many are left out."""
    shown = MOST_INCIDENTS
    while True:
        page = _rendered(night, shown)
        if len(page.encode()) <= LARGEST_BYTES or shown == 0:
            return page
        shown //= 2


def policy_of(style: str, script: str) -> str:
    """The Content-Security-Policy: only this style and this script, by their hashes."""
    return ("default-src 'none'; "
            f"style-src 'sha256-{_hash(style)}'; script-src 'sha256-{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _rendered(night: Night, shown: int) -> str:
    style, script = _file("page.css"), _file("page.js")
    names = {str(number): incident for number, incident in enumerate(night.incidents)}
    return _environment().get_template("page.html.j2").render(
        night=night, version=__version__, style=style, script=script, policy=policy_of(style, script),
        charts=charts_of(night), width=WIDTH,
        incidents=[(f"incident-{number}", incident, night.sentences[incident.name or number], step_rows(incident))
                   for number, incident in list(names.items())[:shown]],
        hidden=len(night.incidents) - min(shown, len(night.incidents)), verdict=_verdict(night),
        kills_told=sources_told(night.history.kernel_kills, night.history.unnamed_kills),
        begun=day_and_time(night.span.since), ended=day_and_time(night.span.until))


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False,
                              finalize=_without_controls)
    environment.filters.update(clock=clock, exact=exact, size=formatting.size, span=formatting.duration,
                               percent=lambda value: formatting.percent(round(value)), state=_state,
                               growth=_growth, capital=capital,
                               share=lambda x: f"{x * 100 / WIDTH:.1f}%")
    return environment


def _without_controls(value: object) -> object:
    """What is put into the page, once more without what controls a terminal or turns the direction of writing: the
    lines of a policy or of commands alone may be several."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.replace("\n", "").isprintable():
        return value
    return "\n".join(map(printable, value.split("\n")))


@cache
def _file(name: str) -> str:
    with open(os.path.join(_TEMPLATES, name), encoding="utf-8") as file:
        return file.read()


def _state(incident: NightIncident) -> str:
    """How it came out, in a word that is a class of the style as well."""
    if incident.only_told:
        return "observed"
    if incident.ok is False:
        return "failed"
    return "open" if incident.closed is None else "succeeded" if incident.ok else "over"


def _verdict(night: Night) -> Mapping[str, str]:
    bad = any(_state(incident) in ("failed", "open") for incident in night.incidents)
    if bad or any("still down" in line or "is held" in line for line in night.standing):
        return {"class": "failed", "words": "Needs you"}
    if night.incidents or night.history.kernel_killed:
        return {"class": "acted", "words": "Something happened"}
    if not night.known:
        return {"class": "observed", "words": "Not known"}
    return {"class": "quiet", "words": "Quiet"}


def _growth(holder: MemoryHolder) -> str:
    grown = holder.grown_bytes
    return "±0" if abs(grown) < 1 << 20 else f"{'+' if grown > 0 else '−'}{formatting.size(abs(grown))}"

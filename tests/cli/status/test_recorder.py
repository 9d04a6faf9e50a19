"""The flight recorder's line on the page of ``status``."""

from __future__ import annotations

from typing import Any

import pytest

from watchdog_oom.cli.output import Page
from watchdog_oom.cli.status.recorder import show_recorder

NOW = 1_800_000_000.0
FINE = {"state": "recording", "problem": None, "last_sample": NOW - 12, "size_bytes": 3 << 20, "dropped_ticks": 0,
        "lost_samples": 0}


@pytest.mark.parametrize(("recorder", "shown"), [
    (FINE, ["flight recorder: recording; the last sample is 12s old, 3 MiB"]),
    ({**FINE, "state": "off", "last_sample": None, "size_bytes": 0}, ["flight recorder: off"]),
    ({**FINE, "state": "stopped", "problem": "no room", "dropped_ticks": 1, "lost_samples": 7},
     ["flight recorder: stopped; the last sample is 12s old, 3 MiB, 1 tick lost, 7 samples lost",
      "flight recorder: no room"]),
    ({"state": "starting", "last_sample": "soon", "problem": None}, ["flight recorder: starting"]),
    (None, []), ("x", [])])
def test_the_page_says_how_it_is(recorder: Any, shown: list[str]) -> None:
    page = Page()
    show_recorder(page, {"recorder": recorder} if recorder is not None else {}, NOW)
    assert ["".join(text for text, _ in line).strip() for line in page.lines()] == shown

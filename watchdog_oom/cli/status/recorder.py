"""The flight recorder's line on the page of ``status``: whether it records, what it has, what it lost."""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page, Part
from watchdog_oom.cli.status.values import Plain, map_of, number_of


def show_recorder(page: Page, status: Plain, now: float) -> None:
    """Nothing where the daemon does not tell of it."""
    recorder = map_of(status, "recorder")
    if not recorder:
        return
    state, problem = str(recorder.get("state")), recorder.get("problem")
    last = number_of(recorder, "last_sample")
    shown = [f"the last sample is {formatting.duration(max(0.0, now - last))} old"] if last else []
    if number_of(recorder, "size_bytes"):
        shown.append(formatting.size(number_of(recorder, "size_bytes")))
    lost: list[Part] = []
    for key, unit in (("dropped_ticks", "tick"), ("lost_samples", "sample")):
        if number_of(recorder, key):
            lost += [", ", (f"{formatting.count(int(number_of(recorder, key)), unit)} lost", "bold red")]
    page.line("flight recorder: ", (state, "" if state in ("recording", "off", "starting") else "bold red"),
              f"; {', '.join(shown)}" if shown else "", *lost, indent=1)
    if problem:
        page.line((f"flight recorder: {problem}", "yellow"), indent=1)

from __future__ import annotations

from watchdog_oom.host.spools.totals import Totals


def test_before_the_end_the_figures_are_bounds_and_say_how_far_they_go() -> None:
    totals = Totals(stale_after_seconds=60.0, listed=300)
    totals.count(100.0, 5)
    totals.count(10.0, 5)
    state = totals.state(7.0, finished=False)
    assert (state.entries, state.stale, state.size_bytes, state.oldest_seconds) == (300, 1, 10, 100.0)
    assert (state.complete, state.finished, state.scanned_boottime) == (False, False, 7.0)
    assert state.gaps == "2 of 300 entries were looked at so far"


def test_at_the_end_only_what_was_left_out_makes_them_incomplete() -> None:
    totals = Totals(stale_after_seconds=60.0)
    totals.count(None, 5)
    assert (totals.state(0.0, finished=True).complete, totals.state(0.0, finished=True).gaps) == (True, None)
    totals.count(None, 5, "a\nb: it is too deep")
    assert totals.state(0.0, finished=True).gaps == "not counted in full: a\\nb: it is too deep"
    totals.gap("c: Permission denied")
    state = totals.state(0.0, finished=True)
    assert (state.entries, state.stale, state.complete, state.finished) == (2, 0, False, True)
    assert state.gaps == "not counted in full: a\\nb: it is too deep, and 1 more entries like it"

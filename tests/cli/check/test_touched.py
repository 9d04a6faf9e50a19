"""Whoever tries a purge with touch -d is told why nothing is stale."""

from __future__ import annotations

import os
import time
from pathlib import Path

from watchdog_oom.cli.check.touched import touched_hints
from watchdog_oom.core.model import Clock, SpoolState
from watchdog_oom.core.nouns import SpoolNoun


def _hints(path: Path, stale: int = 0, problem: str | None = None) -> tuple[str, ...]:
    noun = SpoolNoun("s", str(path), ("x-*",), 3600.0)
    clock = Clock(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))
    return touched_hints([(noun, SpoolState(clock.boottime, entries=3, stale=stale, problem=problem))], clock)


def test_entries_that_were_only_made_to_look_old_are_told(tmp_path: Path) -> None:
    for name in ("x-1", "x-2", "other"):
        (tmp_path / name).write_text("")
    assert _hints(tmp_path) == ()
    for name in ("x-1", "other"):
        os.utime(tmp_path / name, (1.0, 1.0))
    hint, = _hints(tmp_path)
    assert hint.startswith("spool s: 1 entries or more have an old date")
    assert "touch -d" in hint


def test_where_something_is_stale_or_refused_there_is_nothing_to_explain(tmp_path: Path) -> None:
    (tmp_path / "x-1").write_text("")
    os.utime(tmp_path / "x-1", (1.0, 1.0))
    assert _hints(tmp_path, stale=1) == ()
    assert _hints(tmp_path, problem="refused") == ()
    assert _hints(tmp_path / "gone") == ()

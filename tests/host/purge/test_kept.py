from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from watchdog_oom.core.model import Clock
from watchdog_oom.host.purge.kept import Kept
from watchdog_oom.host.purge.messages import MOST_EXAMPLES
from watchdog_oom.host.spools.survey import CHANGED, MOUNTED, Tally, Terms

TERMS = Terms(Clock(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)))


def judged(path: Path, obstacle: str, *, uid: int | None = None) -> Kept:
    tally = Tally(TERMS)
    tally.top, tally.obstacle = path.lstat(), obstacle
    kept = Kept(os.geteuid() if uid is None else uid)
    kept.judged(path.name, tally)
    return kept


def test_what_an_entry_is_decides_before_what_was_met_in_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    assert judged(tmp_path / "link", MOUNTED, uid=os.geteuid() + 1).counts == {"kept_links": 1}
    assert judged(tmp_path / "pipe", MOUNTED).counts == {"kept_special": 1}
    assert judged(tmp_path / "file", MOUNTED, uid=os.geteuid() + 1).counts == {"kept_foreign": 1}


@pytest.mark.parametrize(("obstacle", "reason"), [(MOUNTED, "kept_mounted"), (CHANGED, "kept_changed")])
def test_an_obstacle_inside_is_counted_by_its_kind(obstacle: str, reason: str, tmp_path: Path) -> None:
    assert judged(tmp_path, obstacle).counts == {reason: 1}


def test_what_fits_no_reason_is_told_by_example_the_first_few() -> None:
    kept = Kept(0)
    for number in range(MOST_EXAMPLES * 2):
        kept.note(f"amavis-{number}", "it cannot be read")
    assert kept.counts == {"kept_other": MOST_EXAMPLES * 2}
    assert len(kept.examples) == MOST_EXAMPLES
    assert kept.examples[0] == "amavis-0: it cannot be read"

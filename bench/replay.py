"""A night replayed against a policy: how many times faster than it passed."""

from __future__ import annotations

import tempfile
import time

from bench import recording
from bench.daemons import MAIL_SERVER, home
from bench.table import Table, spread
from watchdog_oom.cli.loaded import LoadedPolicy, load
from watchdog_oom.cli.replay.night import run as replay
from watchdog_oom.recorder.reading import samples

CROWDS = (200, 600)
RUNS = 3
NIGHT_SECONDS = recording.HOURS * 3600
HOW = (f"{recording.HOURS} h of the same samples as those of the recorder, one in {recording.EVERY_SECONDS:.0f} s, "
       "read from the disk and judged by policies/mail-server.toml, alone and with --compare against itself in another "
       "directory; processor seconds of the command, without its start, and by how much that is faster than the night "
       "passed. Median (smallest–largest).")
GOAL = "Goal: 1,000 times faster at 200 processes."


def run() -> tuple[Table, ...]:
    rows = tuple(row for count in CROWDS for row in _measured(count))
    return (Table("replay", ("processes", "policies", "seconds", "times faster"), rows, (HOW, GOAL)),)


def _measured(count: int) -> tuple[tuple[str, ...], ...]:
    with tempfile.TemporaryDirectory() as directory, home(MAIL_SERVER) as one, home(MAIL_SERVER) as other:
        recording.record(directory, count)
        policies = {str(each.path): load((), (f"{each.path}/policies",), f"{each.path}/none.toml")
                    for each in (one, other)}
        first = dict(list(policies.items())[:1])
        return tuple(_row(count, directory, chosen) for chosen in (first, policies))


def _row(count: int, directory: str, policies: dict[str, LoadedPolicy]) -> tuple[str, ...]:
    took = []
    for _ in range(RUNS):
        began = time.process_time()
        assert replay(samples(directory), policies) is not None
        took.append(time.process_time() - began)
    faster = [NIGHT_SECONDS / seconds for seconds in took]
    return (f"{count:,}", str(len(policies)), spread(took, digits=2), spread(faster, digits=0))

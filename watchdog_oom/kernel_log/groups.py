"""The control group whose limit was hit: versions 1 and 2, limits and counters."""

from __future__ import annotations

import re

from watchdog_oom.kernel_log.draft import Draft
from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.model import GroupCounter, GroupStats

_TASK_IN = re.compile(r"Task in (\S.*?)(?: killed)?(?: as a result of limit of (\S+).*)?$")
_LIMIT = re.compile(r"(memory|memory\+swap|swap|kmem): ?usage (\d+) ?k[bB], limit (\d+) ?k[bB](?:, failcnt (\d+))?")
_STATS = re.compile(r"Memory cgroup stats(?: for (\S*?))?:(.*)")
_IN_KB = re.compile(r"([a-z_]+):(\d+)[kK]B")
_STAT = re.compile(r"([a-z_]{2,40}) (\d{1,20})$")
_GROUPS_KEPT = 64
_COUNTERS_KEPT = 256


def take_limit_of(draft: Draft, line: Line) -> None:
    """``Task in /a/b killed as a result of limit of /a``, until 4.20."""
    if found := _TASK_IN.match(line.text):
        draft.task_group, draft.limit_of = found[1], found[2]


def take_limit(draft: Draft, line: Line) -> None:
    """``memory: usage 102400kB, limit 102400kB, failcnt 181``."""
    found = _LIMIT.match(line.text)
    if found and len(draft.limits) < _GROUPS_KEPT:
        draft.limits.append(GroupCounter(found[1], int(found[2]) * 1024, int(found[3]) * 1024,
                                  int(found[4]) if found[4] else None))


def take_stats(draft: Draft, line: Line) -> None:
    """``Memory cgroup stats for /a: cache:0KB rss:980KB …``; since 5.2 the counters follow, one a line, in bytes."""
    found = _STATS.match(line.text)
    if found and len(draft.stats) < _GROUPS_KEPT:
        draft.open_stats = {name: int(number) * 1024 for name, number in _IN_KB.findall(found[2])}
        draft.stats.append(GroupStats(found[1] or None, draft.open_stats))


def take_stat(draft: Draft, line: Line) -> None:
    """``inactive_anon 9797632``: counters of sizes are in bytes, of events in numbers."""
    found = _STAT.match(line.text)
    if found and draft.open_stats is not None and len(draft.open_stats) < _COUNTERS_KEPT:
        draft.open_stats.setdefault(found[1], int(found[2]))

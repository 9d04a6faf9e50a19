"""Lines that stand twice in one log, since two programs wrote each: klogd and the journal, a console and its relay."""

from __future__ import annotations

from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.stamps import may_be_one

_APART_SECONDS = 1.0
_SURE = 2  # lines of this log that were doubled just before
# The kernel itself may print these twice in the same words: a victim of a group, a failed allocation, a call.
_REPEATED = frozenset({"killed", "chosen", "reaped", "failed", "trace", "counter", "suppressed", "group_stat",
                       "reserve"})


class Doubled:
    """Remembers the line above."""

    def __init__(self) -> None:
        self._above: Line | None = None
        self._was_again = False
        self._seen = 0

    def is_again(self, kind: str, line: Line) -> bool:
        """Whether this line of a report is the one above once more."""
        above, self._above = self._above, line
        same = above is not None and not self._was_again and _same(above, line)
        if not same and not self._was_again:
            self._seen = 0  # two lines one after the other that differ
        sure = self._seen >= _SURE or (above is not None and line.boot is not None and above.boot is not None)
        again = same and (sure or kind not in _REPEATED)
        self._seen += same
        self._was_again = same
        return again


def _same(above: Line, line: Line) -> bool:
    if line.text != above.text or line.host != above.host:
        return False
    if line.boot is not None and above.boot is not None:
        return line.boot == above.boot  # microseconds
    return may_be_one(line.stamp, above.stamp, _APART_SECONDS)

"""Puts together what a mail, a terminal or a pager broke in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from watchdog_oom.kernel_log.joints import joined
from watchdog_oom.kernel_log.kinds import kind_of
from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.printk_breaks import broken

_NARROWEST = 60  # columns: a line is broken where the next word would be beyond
_PIECES = 40
_BEHIND_A_NAME = ("oom-killer", "invoked oom-killer", "cpuset=")
_NAME_CHARS = 64
_CHARS = 8192
_SIZES = re.compile(r"[\w()]{3,30}: ?\d+[kK]B")
_UNIT = re.compile(r"\d*[kK][bB]\b")  # behind what looked like a counter, and was half of a size
_NUMBER_OF_BLOCKS = re.compile(r"= ?\d+ ?k?B?$")
_ENDS = {  # the line has its end: nothing is missing
    "counters": re.compile(r"(?!)"),  # has none
    "invoker": re.compile(r"oom_score_adj=-?\d+|(?:oom_|oomkill)adj=-?\d+$|gfp_mask=0x[0-9a-f]+$|order=\d+$"),
    "cpuset": re.compile(r"mems_allowed=\S"),
    "free_list": re.compile(r"= ?\d+kB$|empty"),
    "columns": re.compile(r"\bname$"),
    "killed": re.compile(r"oom_score_adj:-?\d+$|\)\.$|shmem-rss:\d+kB$|^VM:"),
    "chosen": re.compile(r"(?:child|children\.|memory)$"),
    "no_killable": re.compile(r"processes"),
    "panic": re.compile(r"memory|enabled$|selected"),
    "limit": re.compile(r"failcnt \d+$"),
    "summary": re.compile(r",uid=?\d+$"),
    "reaped": re.compile(r"shmem-rss:\d+kB$"),
    "limit_of": re.compile(r"limit of /\S*$"),
    "group_stats": re.compile(r":$"),
    "huge": re.compile(r"hugepages_size=\d+kB$"),
    "process": re.compile(r" #\S+"),
    "group_kill": re.compile(r"oom\.group set$"),
    "zone": re.compile(r"all_unreclaimable\? (?:yes|no)$"),
    "node": re.compile(r"all_unreclaimable\? (?:yes|no)$"),
}


def unwrapped(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines, wrapped ones put together. A rest has no prefix and is no beginning of another line of a report."""
    pending = _Pending()
    for line in lines:
        if pending.takes(line):
            continue
        yield from pending.give()
        pending.hold(line)
    yield from pending.give()


class _Pending:
    """One line that may go on, the kind of it, and the number of columns of the last table of tasks."""

    def __init__(self) -> None:
        self._line: Line | None = None
        self._kind: str | None = None
        self._pieces = 0
        self._last_length = 0
        self._columns = 0

    def hold(self, line: Line) -> None:
        self._line, self._pieces, self._last_length = line, 1, line.length
        text = line.text.removesuffix("=").rstrip()
        self._kind = kind_of(text)
        if self._kind is None and line.length >= _NARROWEST and _are_counters(text):
            self._kind = "counters"

    def give(self) -> Iterator[Line]:
        """The line as far as it went. A line without a prefix has the time of the one above."""
        if self._line is not None:
            if self._kind == "columns":
                self._columns = len(_columns(self._line.text))
            yield self._line
        self._line = None

    def takes(self, line: Line) -> bool:
        """Whether this is the rest of the line above, which it then becomes a part of."""
        held = self._line
        if held is not None and line.tag in ("", "kernel") and broken(held.text, line.text):
            held.text = f"{held.text} {line.text}"
            self._pieces, self._kind = self._pieces + 1, kind_of(held.text)
            return True
        if held is None or line.prefixed or not line.text or self._pieces >= _PIECES:
            return False
        if self._kind is None and not (len(held.text) <= _NAME_CHARS and line.text.startswith(_BEHIND_A_NAME)):
            return False
        if line.number != held.number + self._pieces or len(held.text) > _CHARS:
            return False
        if self._last_length + len(line.text.split(None, 1)[0]) < _NARROWEST and not held.text.endswith("="):
            return False
        counters_follow = self._kind == "group_stats" and _SIZES.match(line.text)
        mail = held.text.endswith("=")  # which broke it once more
        if ((self._ended(held.text) and not counters_follow) or not self._goes_on(line.text)) and not mail:
            return False
        text = joined(self._kind, held.text, line.text, self._columns)
        if self._kind == "counters" and not (_are_counters(text.removesuffix("=").rstrip()) or _UNIT.match(line.text)):
            return False  # these have no end: what is none of them is another line
        held.text = text
        self._pieces += 1
        self._last_length = line.length + (self._last_length if mail else 0)
        self._kind = kind_of(held.text) or self._kind
        return True

    def _ended(self, text: str) -> bool:
        if self._kind is None:
            return False
        if self._kind == "task":
            return len(text.partition("]")[2].split()) >= (self._columns or 8)
        end = _ENDS.get(self._kind)
        return end is None or end.search(text) is not None

    def _goes_on(self, text: str) -> bool:
        kind = kind_of(text)
        if kind in (None, "group_stat", "slab", "trace", "counter"):
            return True
        if self._kind == "counters" and self._line is not None and self._line.text[-1:].isalpha():
            return True  # in the middle of a name
        if self._kind in ("invoker", None) and text.startswith(_BEHIND_A_NAME):
            return True
        return self._kind in ("zone", "node") and _SIZES.match(text) is not None


def _are_counters(text: str) -> bool:
    """Whether they are counters, the last of which may be broken."""
    return "counters" in (kind_of(text), kind_of(text.rpartition(" ")[0]))


def _columns(header: str) -> list[str]:
    return header.partition("]")[2].split()

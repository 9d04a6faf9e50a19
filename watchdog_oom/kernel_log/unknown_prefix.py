"""A prefix that has no form we know: found by what stands behind it."""

from __future__ import annotations

import re

from watchdog_oom.kernel_log.frames import without_mark
from watchdog_oom.kernel_log.kinds import kind_of, looks_like_report

_CHARS = 120
# One of these is in every line that is looked for; without it, the text is not searched.
_HINT = re.compile(r"kB|KB|pages|oom|em-[Ii]nfo|emory|swap|:\d|tgid|\d\] +\d+ +\d+ +\d|\[\]:|PID: |Pid: |huge|Task"
                   r"|\+0x")
_NAME_CHARS = 15  # TASK_COMM_LEN without its end
_PLACE = re.compile(r"[\s,;|>\]:](?=[^\s,;|>\]:])")
_PROSE = re.compile(r"(?:\b[a-z]{2,}[ ,]+){3}")
_NAMED = re.compile(r"(.+?)(?= invoked oom-| cpuset=|: page allocation failure)")
_NAMELESS = re.compile(r"oom-killer: ?gfp_mask=")
_BEHIND = (re.compile(r".*[\]|>}):] +(?=\S)"), re.compile(r".* (?=\S)"))


def without_unknown(text: str) -> str:
    """The line of a report at the end of the text; the same text where there is none, or where prose quotes one."""
    if not _HINT.search(text):
        return text
    bare = without_mark(text)
    if kind_of(bare) is not None:
        return _short_name(bare)
    for place in _PLACE.finditer(text, 0, _CHARS):
        rest = text[place.end():]
        if looks_like_report(rest) or _NAMELESS.match(rest):
            return text if _PROSE.search(text[:place.end()]) else rest
    return text


def _short_name(text: str) -> str:
    """Lines that begin with any name: what is longer than a name may be begins with something else."""
    found = _NAMED.match(text)
    if found is None or len(found[1]) <= _NAME_CHARS:
        return text
    name = found[1]
    for behind in _BEHIND:
        if before := behind.match(name):
            return text[before.end():]
    return text

"""How two pieces of a broken line belong together.

With a blank, as mails break lines, or without, as terminals and the archives of mailing lists do, in the middle of a
word or a number. How wide the lines were is not known, so the reading that the kernel can have written is taken.
"""

from __future__ import annotations

import re
from itertools import takewhile

_SIZE = re.compile(r"[\w()]+:\d+[kK][bB],?$|yes$|no$")
_BEGUN_SIZE = re.compile(r"(?:[a-z_()]+|[a-z_()]+:(?:\d+k?)?)$")
_REST_OF_SIZE = re.compile(r"\d*[kK]?[bB]?,?$")
_COUNTER = re.compile(r"[a-z_]+:\d+$")
_BLOCKS = re.compile(r"\d+\*\d+k?$|\d+\*$|\([A-Z]*$|\d+$")
_KILL = re.compile(r"[a-zA-Z_-]+[:-]$|[a-zA-Z_-]+:-?\d+k?$|(?:total|anon|file|shmem)(?:-[a-z]*)?$")
_KILL_WORDS = ("Killed", "killed", "process", "memory", "cgroup", "reaped", "sharing", "total-vm:", "anon-rss:",
               "file-rss:", "shmem-rss:", "pgtables:", "oom_score_adj:")
_SIZED_END = re.compile(r"k[bB],?$")
_TOTAL = re.compile(r"= ?\d+k?B?$|\d+k?B$")
_VERSION = re.compile(r"\d+\.\d+\.\d+\S*$")
_STATS_WORDS = frozenset(("cgroup", "stats", "for"))
_LIMIT_WORDS = frozenset(("Task", "in", "killed", "as", "a", "result", "of", "limit"))
_COLUMNS = frozenset(("[", "pid", "]", "uid", "tgid", "total_vm", "rss", "rss_anon", "rss_file", "rss_shmem", "nr_ptes",
                      "nr_pmds", "nr_puds", "pgtables_bytes", "swapents", "cpu", "oom_adj", "oom_score_adj"))
_TOLD_BY_WORDS = frozenset(("zone", "node", "counters", "free_list", "killed", "invoker", "group_stats", "limit_of"))
_NEVER_BLANK = ("summary",)


def joined(kind: str | None, before: str, piece: str, columns: int) -> str:
    """Both pieces as one line. ``columns``: of the table of tasks."""
    if before.endswith("=") and not (kind == "free_list" and _TOTAL.match(piece)):
        before = before[:-1]  # the break of a quoted-printable mail
        apart = before[-1:] == " " or (kind in _TOLD_BY_WORDS and not _inside_a_word(kind, before, piece, columns))
        return f"{before.rstrip()}{' ' if apart else ''}{piece}"
    return f"{before}{'' if _inside_a_word(kind, before, piece, columns) else ' '}{piece}"


def _inside_a_word(kind: str | None, before: str, piece: str, columns: int) -> bool:
    last = before.rpartition(" ")[2]
    first = piece.partition(" ")[0]
    if kind == "task":
        return last.isdigit() and first.isdigit() and _numbers(f"{before} {piece}") >= columns
    if kind == "invoker":
        return last[-1:] != "," and ("gfp_mask" in before or last.startswith("gfp"))
    if kind in ("killed", "reaped"):
        return _in_kill(last, first)
    if kind in ("limit_of", "process", "columns"):
        return _in_words(kind, last, first)
    return kind in _NEVER_BLANK or _in_numbers(kind, last, first)


def _numbers(row: str) -> int:
    """How many columns stand before the name of the task, which may hold blanks, and is the last one."""
    return len([*takewhile(lambda word: word.removeprefix("-").isdigit(), row.partition("]")[2].split())])


def _in_numbers(kind: str | None, last: str, first: str) -> bool:
    if kind in ("zone", "node", "group_stats"):
        if _SIZE.match(last) or last in _STATS_WORDS or not _BEGUN_SIZE.match(last):
            return False
        return not last[-1:].isdigit() or _REST_OF_SIZE.match(first) is not None
    if kind == "counters":
        return last[-1:].isalpha() or last[-1:] == ":" or first.isdigit()
    if kind == "free_list":
        return _BLOCKS.match(last) is not None and not (last.isdigit() and "*" in first)
    return kind == "huge" and (last[-1:] in "=_" or last.isalpha() or (last[-1:].isdigit() and first.isdigit()))


def _in_words(kind: str, last: str, first: str) -> bool:
    if kind == "limit_of":
        return last not in _LIMIT_WORDS and first != "killed"
    if kind == "process":
        return _VERSION.match(last) is not None and first[:1] not in "#("
    return last not in _COLUMNS


def _in_kill(last: str, first: str) -> bool:
    if _SIZED_END.search(last) or last.startswith("(") or last.endswith((")", ",", ".")):
        return False
    whole = _COUNTER.match(last) is not None or last.startswith(("UID:", "oom_score_adj:"))
    if whole:
        return first.isdigit() or first.startswith(("k", "B"))
    if last in ("oom_reaper:", "VM:"):
        return False
    return _KILL.match(last) is not None or _goes_on(last, first)


def _goes_on(last: str, first: str) -> bool:
    """Whether both are one word of a kill line."""
    both = f"{last}{first}"
    return any(len(last) < len(word) and word.startswith(last) and (both.startswith(word) or word.startswith(both))
               for word in _KILL_WORDS)

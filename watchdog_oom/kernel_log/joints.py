"""How two pieces of a broken line belong together.

With a blank, as mails break lines, or without, as terminals and the archives of mailing lists do, in the middle of a
word or a number.
"""

from __future__ import annotations

import re

_SIZE = re.compile(r"[\w()]+:\d+[kK][bB],?$|yes$|no$")
_BEGUN_SIZE = re.compile(r"(?:[a-z_()]+|[a-z_()]+:(?:\d+k?)?)$")
_COUNTER = re.compile(r"[a-z_]+:\d+$")
_BLOCKS = re.compile(r"\d+\*\d+k?$|\d+\*$|\([A-Z]*$|\d+$")
_KILL = re.compile(r"[a-zA-Z_-]+[:-]$|[a-zA-Z_-]+:-?\d+k?$|(?:total|anon|file|shmem)(?:-[a-z]*)?$|[a-z_]{3,}$")
_SIZED_END = re.compile(r"k[bB],?$")
_TOTAL = re.compile(r"= ?\d+k?B?$|\d+kB$")
_VERSION = re.compile(r"\d+\.\d+\.\d+\S*$")
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
        whole = len(f"{before} {piece}".partition("]")[2].split()) <= columns
        return not whole and last.isdigit() and first.isdigit()
    if kind == "invoker":
        return last[-1:] != "," and ("gfp_mask" in before or last.startswith("gfp"))
    if kind in ("killed", "reaped"):
        return _in_kill(last, first)
    if kind in ("limit_of", "process", "columns"):
        return _in_words(kind, last, first)
    return kind in _NEVER_BLANK or _in_numbers(kind, last, first)


def _in_numbers(kind: str | None, last: str, first: str) -> bool:
    if kind in ("zone", "node", "group_stats"):
        return not _SIZE.match(last) and _BEGUN_SIZE.match(last) is not None
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
    return _KILL.match(last) is not None and last not in ("process", "memory", "of", "cgroup", "out")

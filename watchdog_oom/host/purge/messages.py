"""Owns what a purge tells the loop: three kinds of news, a JSON line each, and their parser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from watchdog_oom import formatting
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass

MOST_EXAMPLES = 10
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Cleared:
    """The stale entries are out of the way: services may start. ``limited`` says that more were left for another run;
    ``unseen`` processes could not be asked what they use."""

    renamed: int
    kept_busy: int = 0
    kept_fresh: int = 0
    kept_odd: int = 0
    limited: bool = False
    unseen: int = 0
    odd: tuple[str, ...] = ()

    def and_also(self, other: Cleared) -> Cleared:
        """Of two halves of one purge, what both cleared; they were told of the same unseen processes."""
        return Cleared(self.renamed + other.renamed, self.kept_busy + other.kept_busy,
                       self.kept_fresh + other.kept_fresh, self.kept_odd + other.kept_odd,
                       self.limited or other.limited, self.unseen, (*self.odd, *other.odd)[:MOST_EXAMPLES])

    def __str__(self) -> str:
        kept = [f"{count} {what}" for count, what in ((self.kept_busy, "in use"), (self.kept_fresh, "not stale"),
                                                      (self.kept_odd, "not ours to touch")) if count]
        return (f"{self.renamed} entries cleared" + (f", kept {', '.join(kept)}" if kept else "")
                + (", more left for another run" if self.limited else ""))


@dataclass(frozen=True, slots=True)
class Deleted:
    """The purge is over. ``restored`` entries were found in use or changed after all and are back in the spool;
    ``left`` names what could not be deleted, the first few of ``left_count``."""

    entries: int
    files: int = 0
    bytes: int = 0
    restored: int = 0
    left_count: int = 0
    left: tuple[str, ...] = ()

    def and_also(self, other: Deleted) -> Deleted:
        """Of two halves of one purge, what both deleted."""
        return Deleted(self.entries + other.entries, self.files + other.files, self.bytes + other.bytes,
                       self.restored + other.restored, self.left_count + other.left_count,
                       (*self.left, *other.left)[:MOST_EXAMPLES])

    def __str__(self) -> str:
        return (f"{self.entries} entries deleted ({self.files} files, {formatting.size(self.bytes)})"
                + (f", {self.restored} put back" if self.restored else "")
                + (f", {self.left_count} could not be deleted: {'; '.join(self.left)}" if self.left_count else ""))


@dataclass(frozen=True, slots=True)
class Failed:
    """The purge ended without doing all it should; nothing was lost that was not stale."""

    words: str

    def __str__(self) -> str:
        return self.words


PurgeNews: TypeAlias = Cleared | Deleted | Failed
_STAGES: Mapping[str, type[Cleared] | type[Deleted] | type[Failed]] = {
    "cleared": Cleared, "deleted": Deleted, "failed": Failed}


def to_line(news: PurgeNews) -> bytes:
    """The news as one line for the pipe."""
    stage = next(stage for stage, kind in _STAGES.items() if isinstance(news, kind))
    values = {name: getattr(news, name) for name in news.__match_args__}
    return json.dumps({"stage": stage, **values}).encode("ascii") + b"\n"


def parse_line(line: bytes) -> PurgeNews:
    """Read a line of ``to_line``. It comes from a process that runs as an ordinary user, so it is doubted: what is not
    well formed becomes a failure in words, and never an exception."""
    try:
        values: dict[str, Any] = json.loads(line)
        kind = _STAGES[values.pop("stage")]
        fields: dict[str, Any] = {key: _checked(key, value) for key, value in values.items()}
        news = kind(**fields)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Failed("the purge said something that makes no sense")
    return news


def example(name: str, why: str) -> str:
    """A name with a reason, made safe to print and short."""
    return printable(f"{name}: {why}")[:_LONGEST_TEXT]


def _checked(key: str, value: object) -> object:
    match key, value:
        case "words", str():
            return _plain(value)
        case ("odd" | "left"), [*items]:
            return tuple(_plain(item) for item in items[:MOST_EXAMPLES])
        case "limited", bool():
            return value
        case _, int() if value >= 0 and key not in ("words", "odd", "left", "limited"):
            return value
        case _:
            raise ValueError(key)


def _plain(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(text)
    return (text if text.isprintable() else printable(text))[:_LONGEST_TEXT]

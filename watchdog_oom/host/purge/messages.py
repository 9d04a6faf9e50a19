"""Owns what a purge tells the loop: a few kinds of news, a JSON line each, and their parser."""

from __future__ import annotations

import json
from collections.abc import Mapping

from watchdog_oom import formatting
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any, TypeAlias

MOST_EXAMPLES = 10
_LONGEST_TEXT = 200

# Why entries stay, in the order of telling: the field of Cleared, and its words for one and for several.
_REASONS = (("kept_busy", "is in use", "are in use"),
            ("kept_unsure", "may be in use", "may be in use"),
            ("kept_fresh", "is younger than {age}", "are younger than {age}"),
            ("kept_changed", "changed meanwhile", "changed meanwhile"),
            ("kept_links", "is a symbolic link", "are symbolic links"),
            ("kept_foreign", "belongs to another user", "belong to another user"),
            ("kept_special", "is neither a file nor a directory", "are neither files nor directories"),
            ("kept_mounted", "has something mounted on it or inside", "have something mounted on them or inside"),
            ("kept_other", "cannot be taken", "cannot be taken"))


@dataclass(frozen=True, slots=True)
class Cleared:
    """The stale entries are out of the way: services may start. Each entry that stays is counted by its reason;
    ``other`` has examples of those that fit no other. ``limited`` says that more were left for another run; ``unseen``
    processes could not be asked what they use. ``stale_after_seconds`` is what "younger" means."""

    renamed: int
    kept_busy: int = 0
    kept_unsure: int = 0
    kept_fresh: int = 0
    kept_changed: int = 0
    kept_links: int = 0
    kept_foreign: int = 0
    kept_special: int = 0
    kept_mounted: int = 0
    kept_other: int = 0
    limited: bool = False
    unseen: int = 0
    stale_after_seconds: float = 0.0
    other: tuple[str, ...] = ()

    @property
    def kept(self) -> int:
        return sum(getattr(self, name) for name, _, _ in _REASONS)

    def and_also(self, more: Cleared) -> Cleared:
        """Of two halves of one purge, what both cleared; they were told of the same unseen processes."""
        sums = {name: getattr(self, name) + getattr(more, name) for name, _, _ in _REASONS}
        return Cleared(self.renamed + more.renamed, limited=self.limited or more.limited, unseen=self.unseen,
                       stale_after_seconds=self.stale_after_seconds,
                       other=(*self.other, *more.other)[:MOST_EXAMPLES], **sums)

    def __str__(self) -> str:
        words = f"{_entries(self.renamed)} cleared" if self.renamed else "nothing to clear"
        kept = [f"{count} {(one if count == 1 else several).format(age=formatting.duration(self.stale_after_seconds))}"
                for name, one, several in _REASONS if (count := getattr(self, name))]
        if kept:
            words += f", kept {self.kept}: {', '.join(kept)}"
        if self.other:
            words += f" ({'; '.join(self.other[:3])})"
        if self.limited:
            words += ", more left for another run"
        return words + unseen_words(self.unseen)


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
        return (f"{_entries(self.entries)} deleted ({self.files} files, {formatting.size(self.bytes)})"
                + (f", {self.restored} put back: in use or changed after all" if self.restored else "")
                + (f", {self.left_count} could not be deleted: {'; '.join(self.left)}" if self.left_count else ""))


@dataclass(frozen=True, slots=True)
class Failed:
    """The purge ended without doing all it should; nothing was lost that was not stale."""

    words: str

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class Remaining:
    """What stands in the trash of a spool and was not deleted: the very last news of a purge, where there is some."""

    directories: int
    entries: int = 0

    def __str__(self) -> str:
        directories = "1 trash directory" if self.directories == 1 else f"{self.directories} trash directories"
        return f"{_entries(self.entries)} in {directories} still to be deleted"

    def to_plain(self) -> dict[str, int]:
        return {"directories": self.directories, "entries": self.entries}


PurgeNews: TypeAlias = Cleared | Deleted | Failed | Remaining
_STAGES: Mapping[str, type[Cleared] | type[Deleted] | type[Failed] | type[Remaining]] = {
    "cleared": Cleared, "deleted": Deleted, "failed": Failed, "remaining": Remaining}


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


def unseen_words(unseen: int) -> str:
    """That it could not be told what some processes use; empty where all were seen."""
    if not unseen:
        return ""
    return f"; what {'1 process uses' if unseen == 1 else f'{unseen} processes use'} could not be told in full"


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _checked(key: str, value: object) -> object:
    match key, value:
        case "words", str():
            return _plain(value)
        case ("other" | "left"), [*items]:
            return tuple(_plain(item) for item in items[:MOST_EXAMPLES])
        case "limited", bool():
            return value
        case "stale_after_seconds", float() if 0 <= value < float("inf"):
            return value
        case _, int() if value >= 0 and key not in ("words", "other", "left", "limited"):
            return value
        case _:
            raise ValueError(key)


def _plain(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(text)
    return (text if text.isprintable() else printable(text))[:_LONGEST_TEXT]

"""All that must survive: the cases, what each target was told and how it fares, and how far the journal was read. Pure.

The bounds are here. A case that is too much is left out, never silently: the count becomes a case itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from watchdog_oom.cli.notify.cases import CaseKind, NotifyCase, ToldStage, case_of, plain_of
from watchdog_oom.formatting import count

VERSION = 1
MOST_CASES = 500
KEEP_SECONDS = 7 * 86400.0  # what could not be delivered for so long is given up
REST_SECONDS = 3600.0  # a case that everybody knows is kept so long, for the records that come after its end
FORGOTTEN_SECONDS = 86400.0  # an incident of which nothing was heard for so long has no end any more
LEFT_OUT = "left-out"


@dataclass(frozen=True, slots=True)
class JournalPlace:
    """The last record that was read: its number, and the SHA-256 of its line: numbers begin anew with a journal."""

    seq: int
    digest: str


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """How sending to one target went; times in seconds since the epoch. ``sent`` has the last hour."""

    failures: int = 0
    next_try: float = 0.0
    failing_since: float | None = None
    last_error: str = ""
    last_sent: float | None = None
    sent: tuple[float, ...] = ()


@dataclass(slots=True)
class NotifyBook:
    """The state, changed in memory and saved as a whole."""

    place: JournalPlace | None = None
    cases: dict[str, NotifyCase] = field(default_factory=dict)
    targets: dict[str, TargetHealth] = field(default_factory=dict)
    digest_day: str = ""

    def take(self, changed: Iterable[NotifyCase]) -> bool:
        """Put the cases in; whether there were any."""
        for case in (found := tuple(changed)):
            self.cases[case.name] = case
        if len(self.cases) > MOST_CASES:
            self._leave_out()
        return bool(found)

    def meet(self, targets: Collection[str]) -> None:
        """These are the targets from now on: a new one is not told of what was before it, of one that has gone nothing
        is kept."""
        for name in targets:
            if name not in self.targets:
                self.targets[name] = TargetHealth()
                self.cases = {key: case.tell(name, ToldStage.ENDED) for key, case in self.cases.items()}
        self.targets = {name: health for name, health in self.targets.items() if name in targets}

    def forget(self, known: Collection[str], now: float) -> bool:
        """Drop the cases, by name, that every target knows, after a rest; and what nobody could be told for too long.
        Whether anything was dropped."""
        before = len(self.cases)
        self.cases = {name: case for name, case in self.cases.items() if not _is_over(case, name in known, now)}
        return len(self.cases) != before

    def _leave_out(self) -> None:
        """The oldest go; a digest and the word about what was left out are the last."""
        others = sorted((case for case in self.cases.values()
                         if case.name != LEFT_OUT and case.kind is not CaseKind.DIGEST), key=lambda case: case.last)
        gone = others[:len(self.cases) - MOST_CASES + 1] or list(self.cases.values())[:1]
        for case in gone:
            del self.cases[case.name]
        known = self.cases.get(LEFT_OUT)
        number = len(gone) + (known.left_out if known is not None and not known.told else 0)
        last = max(case.last for case in gone)
        self.cases[LEFT_OUT] = NotifyCase(
            LEFT_OUT, CaseKind.ALARM, "notify", last, last, left_out=number, ended=last,
            result=f"{count(number, 'older message')} could not be kept until somebody could be told: watchdog-oom "
                   "audit lists what happened")


def _is_over(case: NotifyCase, known: bool, now: float) -> bool:
    rest = now - case.last
    if rest < 0:  # the clock was set back: it is kept
        return False
    if case.ended is None:
        return rest > (FORGOTTEN_SECONDS if known else KEEP_SECONDS)
    return rest > (REST_SECONDS if known else KEEP_SECONDS)


def plain_book(book: NotifyBook) -> dict[str, Any]:
    """For the state file."""
    place = book.place
    return {"v": VERSION, "place": None if place is None else [place.seq, place.digest], "digest_day": book.digest_day,
            "cases": [plain_of(case) for case in book.cases.values()],
            "targets": {name: [health.failures, health.next_try, health.failing_since, health.last_error,
                               health.last_sent, list(health.sent)] for name, health in book.targets.items()}}


def book_of(plain: Mapping[str, Any]) -> NotifyBook:
    """The way back. Raises KeyError, TypeError or ValueError for what this release did not write."""
    if plain["v"] != VERSION:
        raise ValueError(f"version {plain['v']}")
    place = plain["place"]
    cases = [case_of(one) for one in plain["cases"]]
    return NotifyBook(None if place is None else JournalPlace(int(place[0]), str(place[1])),
                      {case.name: case for case in cases},
                      {str(name): _health_of(*one) for name, one in plain["targets"].items()}, str(plain["digest_day"]))


def _health_of(failures: int, next_try: float, since: float | None, error: str, last: float | None,
               sent: list[float]) -> TargetHealth:
    return TargetHealth(int(failures), float(next_try), since, str(error), last, tuple(map(float, sent)))


def delivered(book: NotifyBook, target: str, stages: Mapping[str, ToldStage], now: float) -> None:
    """A message got through: its cases, by name, are told to that stage."""
    for name, stage in stages.items():
        if name in book.cases:
            book.cases[name] = book.cases[name].tell(target, stage)
    health = book.targets.get(target, TargetHealth())
    sent = tuple(moment for moment in health.sent if now - 3600 < moment <= now)
    book.targets[target] = TargetHealth(last_sent=now, sent=(*sent, now))


def failed(book: NotifyBook, target: str, error: str, now: float, wait_seconds: float) -> None:
    health = book.targets.get(target, TargetHealth())
    book.targets[target] = replace(
        health, failures=health.failures + 1, next_try=now + wait_seconds, last_error=error,
        failing_since=now if health.failing_since is None else health.failing_since)

"""When which target is told what: stages, quiet hours, the rate, the waits after failures. Pure; time is handed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watchdog_oom.cli.notify.book import NotifyBook, TargetHealth
from watchdog_oom.cli.notify.cases import CaseKind, NotifyCase, ToldStage
from watchdog_oom.cli.notify.settings import NotifySettings, NotifyTarget, Want

LONGEST_WAIT_SECONDS = 3600.0
HOUR_SECONDS = 3600.0
TOGETHER = 5  # more cases than this that wait for one target come in one message
MOST_TOGETHER = 60
_DAY_MINUTES = 24 * 60
_WANT = {CaseKind.ACTS: Want.INCIDENTS, CaseKind.ALARM: Want.ALARMS, CaseKind.DIGEST: Want.DIGEST}


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Seconds since the epoch, and the minutes since midnight of the local day."""

    now: float
    minute: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message: to whom, and about which cases, each up to its stage."""

    target: NotifyTarget
    parts: tuple[tuple[NotifyCase, ToldStage], ...]

    @property
    def stages(self) -> dict[str, ToldStage]:
        return {case.name: stage for case, stage in self.parts}


def wanted(case: NotifyCase, target: NotifyTarget, settings: NotifySettings, now: float) -> ToldStage | None:
    """The stage to which this target should be told of the case now, if it is not yet."""
    told = case.told_to(target.name)
    if told is ToldStage.ENDED:
        return None
    if case.kind is not CaseKind.INCIDENT:
        return ToldStage.ENDED if _WANT[case.kind] in target.wants and _settled(case.last, settings, now) else None
    every = Want.INCIDENTS in target.wants
    if case.ended is not None:
        return ToldStage.ENDED if every or told is ToldStage.ESCALATED else None
    late = now - case.opened >= settings.escalate_seconds
    if late and Want.ESCALATIONS in target.wants and told is not ToldStage.ESCALATED:
        return ToldStage.ESCALATED
    return ToldStage.OPENED if every and told is ToldStage.NOTHING and _settled(case.opened, settings, now) else None


def may_come(case: NotifyCase, target: NotifyTarget) -> bool:
    """Whether the target may ever have to be told anything more of the case."""
    told = case.told_to(target.name)
    if told is ToldStage.ENDED:
        return False
    if case.kind is not CaseKind.INCIDENT:
        return _WANT[case.kind] in target.wants
    if Want.INCIDENTS in target.wants:
        return True
    return Want.ESCALATIONS in target.wants and (case.ended is None or told is ToldStage.ESCALATED)


def next_delivery(book: NotifyBook, settings: NotifySettings, clock: ClockReading) -> Delivery | None:
    """The next message that may be sent now; ask again when it was."""
    return next((delivery for target in settings.targets
                 for delivery in _deliveries(book, target, settings, clock)), None)


def waiting(book: NotifyBook, target: NotifyTarget, settings: NotifySettings, now: float) -> list[NotifyCase]:
    """The cases of which the target should know by now and does not."""
    return [case for case in book.cases.values() if wanted(case, target, settings, now) is not None]


def known_to_all(book: NotifyBook, settings: NotifySettings) -> set[str]:
    """The names of the cases of which nobody has to be told anything more."""
    return {name for name, case in book.cases.items()
            if not any(may_come(case, target) for target in settings.targets)}


def held_back(health: TargetHealth, target: NotifyTarget, settings: NotifySettings, clock: ClockReading, *,
              urgent: bool) -> str:
    """Why nothing may go to this target now, in words; empty if it may."""
    now = clock.now
    if now < health.next_try <= now + LONGEST_WAIT_SECONDS:  # what is later was set by another clock
        return "it failed and is tried again later"
    if not urgent and target.quiet and in_hours(settings.quiet_hours, clock.minute):
        return "quiet hours"
    lately = sum(1 for moment in health.sent if now - HOUR_SECONDS < moment <= now)
    if lately >= settings.rate * (2 if urgent else 1):
        return "the rate"
    return ""


def in_hours(hours: tuple[int, int] | None, minute: float) -> bool:
    """Whether a minute of the day is in hours that may go over midnight."""
    if hours is None:
        return False
    begin, end = hours
    if begin <= end:
        return begin <= minute < end
    return minute >= begin or minute < end % _DAY_MINUTES


def wait_after(failures: int, first_seconds: float) -> float:
    """How long to wait after so many failures in a row: doubled each time, an hour at most."""
    return float(min(LONGEST_WAIT_SECONDS, first_seconds * 2.0 ** min(failures - 1, 30)))


def digest_is_due(book: NotifyBook, settings: NotifySettings, day: str, clock: ClockReading) -> bool:
    return settings.digest_minute is not None and book.digest_day != day and clock.minute >= settings.digest_minute


def _deliveries(book: NotifyBook, target: NotifyTarget, settings: NotifySettings,
                clock: ClockReading) -> Iterator[Delivery]:
    """The urgent first, then the oldest; very many together."""
    due = [(case, stage) for case in sorted(book.cases.values(), key=lambda case: case.opened)
           if (stage := wanted(case, target, settings, clock.now)) is not None]
    health = book.targets.get(target.name, TargetHealth())
    for urgent in (True, False):
        parts = tuple((case, stage) for case, stage in due if _is_urgent(case, stage, target) is urgent)
        if not parts or held_back(health, target, settings, clock, urgent=urgent):
            continue
        alone = tuple(part for part in parts if part[0].kind is CaseKind.DIGEST)
        many = tuple(part for part in parts if part[0].kind is not CaseKind.DIGEST)
        if len(many) > TOGETHER:
            yield Delivery(target, many[:MOST_TOGETHER])
        else:
            yield from (Delivery(target, (part,)) for part in (*many, *alone))


def _is_urgent(case: NotifyCase, stage: ToldStage, target: NotifyTarget) -> bool:
    """Also the end of what somebody was woken for."""
    return case.urgent or ToldStage.ESCALATED in (stage, case.told_to(target.name))


def _settled(since: float, settings: NotifySettings, now: float) -> bool:
    """Long enough ago for what belongs to it to have come; a clock that was set back does not hold it up."""
    return not 0 <= now - since < settings.settle_seconds

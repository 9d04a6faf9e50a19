"""What probably began it: who started or grew first, how sure that is, and by which observations.

Only what the recorder saw is judged. It is a guess with its reasons: a process that lived for less than the time
between two samples was perhaps never seen, and what comes in over the network shows only in who answers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchdog_oom import formatting
from watchdog_oom.report import roles
from watchdog_oom.report.arrivals import Arrivals, arrivals, births_of, period_of, spool_rises
from watchdog_oom.report.holders import who_grew
from watchdog_oom.report.model import Decline, HostHistory, LikelyTrigger, MemoryHolder
from watchdog_oom.report.words import clock, number

MAILED_WITHIN_SECONDS = 120.0  # from the beginning of a job to the mail with what it printed
LIKELY, POSSIBLE, UNKNOWN = "likely", "possible", "not known"


def trigger_of(history: HostHistory, fall: Decline | None, paths: Mapping[str, str]) -> LikelyTrigger | None:
    """The trigger of the night's worst shortage; ``None`` where memory never fell much and nothing filled up."""
    if fall is None:
        return None
    grown = who_grew(history, fall)
    why, first = _filled(history, fall, paths)
    if not fall.is_real:
        return LikelyTrigger(why[0], POSSIBLE, tuple(why[1:]), first) if why else None
    mail = arrivals(history, fall, lambda line: roles.is_mail(line[-1]) or roles.is_filters_line(line))
    concerns_mail = grown is not None and (roles.is_filter(grown.name) or roles.is_filters_line(grown.facts.line)
                                           or roles.is_mail(grown.name))
    if mail is not None and mail.rose and (concerns_mail or grown is None):
        return _flood(history, fall, mail, (*_who_took(grown, fall), *why), linked=grown is not None)
    if grown is None:
        return LikelyTrigger(why[0], POSSIBLE, tuple(why[1:]), first) if why else None
    job = roles.scheduled_job(grown.facts.line)
    if job:
        return _job(history, fall, grown, job, why)
    return _growth(history, fall, grown, why, first)


def _flood(history: HostHistory, fall: Decline, mail: Arrivals, why: tuple[str, ...], *,
           linked: bool) -> LikelyTrigger:
    """Mail came faster than before, and what handles mail took the memory. If a scheduler's job sent mail, that is
    named: it is the only sender whose processes are seen."""
    faster = "" if mail.factor is None else f", {_times(mail.factor)} as often as before"
    observed = (f"from {clock(mail.first)} on {mail.births} processes that handle mail began{faster}", *why)
    sure = LIKELY if linked and mail.factor is not None else POSSIBLE
    sender = _mailing_job(history, fall)
    if sender is None:
        words = "a flood of mail, which came from outside or from a program that was not seen to send it"
        return LikelyTrigger(words, sure, observed, mail.first)
    period = period_of(sender.ran)
    minutes = 0 if period is None else round(period / 60) or 1
    every = "every minute" if minutes == 1 else f"every {formatting.duration(minutes * 60)}" if minutes \
        else f"{len(sender.ran)} times"
    words = (f"a flood of mail from a cron job: {sender.name}, which the scheduler ran {every}, sent mail from "
             f"{clock(sender.sent[0])} on")
    seen = f"seen to send: {' → '.join(sender.line)}, {formatting.count(len(sender.sent), 'time')}"
    return LikelyTrigger(words, sure, (seen, *observed), sender.sent[0])


@dataclass(frozen=True, slots=True)
class MailingJob:
    """A scheduled job: its name, the line of the process that sent its mail, when that was seen, when it ran.
    ``fit``: of all mails and all runs, how many belong together; a job that often runs without a mail fits less."""

    name: str
    line: tuple[str, ...]
    sent: tuple[float, ...]
    ran: tuple[float, ...]
    fit: float


def _mailing_job(history: HostHistory, fall: Decline) -> MailingJob | None:
    """The scheduled job that was seen to send mail most often until the worst moment. What a job prints its scheduler
    mails, when the job has ended: then the sender hangs on the scheduler itself."""
    jobs = {line: job for line in history.births if (job := roles.scheduled_job(line))}
    senders = [line for line in jobs if line[-1] in roles.SENDS_MAIL]
    names = {job[0] for job in jobs.values() if not roles.is_mail(job[0])}
    found = []
    for name in sorted(names, key=roles.only_starts_others):
        ran = [at for at in births_of(history, lambda line, name=name: name in jobs.get(line, ()))  # type: ignore[misc]
               if at <= fall.worst.at]
        for line in senders:
            sent = tuple(at for at in history.births[line] if at <= fall.worst.at and (
                name in line or any(-5 <= at - began <= MAILED_WITHIN_SECONDS for began in ran)))
            since = [at for at in ran if sent and at >= min(sent) - MAILED_WITHIN_SECONDS]
            mailed = sum(any(-5 <= at - began <= MAILED_WITHIN_SECONDS for at in sent) for began in since)
            if sent:
                found.append(MailingJob(name, line, tuple(sorted(sent)), tuple(ran),
                                        len(sent) * (mailed / len(since) if since else 1.0)))
    return max(found, key=lambda job: job.fit, default=None)


def _job(history: HostHistory, fall: Decline, grown: MemoryHolder, job: tuple[str, ...],
         why: list[str]) -> LikelyTrigger:
    times = births_of(history, lambda line: job[0] in line)
    near = [at for at in times if fall.before.at - 900 <= at <= fall.worst.at]
    named = grown.facts.cmdline or " → ".join(job)
    words = f"a job of the scheduler: {named}"
    began = f"it began at {clock(near[0])}" if near else "its beginning was not seen"
    return LikelyTrigger(words, LIKELY if near else POSSIBLE, (*_who_took(grown, fall), began, *why),
                         near[0] if near else None)


def _growth(history: HostHistory, fall: Decline, grown: MemoryHolder, why: list[str],
            first: float | None) -> LikelyTrigger:
    """More processes of a name than before, or the same that hold more."""
    facts = grown.facts
    whose = f" of {facts.unit}" if facts.unit else f" of user {facts.user}" if facts.user else ""
    observed = (*_who_took(grown, fall), *why)
    slow = fall.worst.at - fall.before.at > 3600 or fall.from_start
    if grown.count > grown.before_count:
        came = arrivals(history, fall, lambda line: line[-1] == grown.name)
        words = f"{grown.name}{whose} came to be {number(grown.count)}, from {number(grown.before_count)}"
        return LikelyTrigger(words, LIKELY if came is not None and came.rose else POSSIBLE, observed,
                             came.first if came is not None else first)
    words = f"{grown.name}{whose} grew{' steadily' if slow else ''} by {formatting.size(grown.grown_bytes)}"
    sure = LIKELY if grown.grown_bytes >= 0.6 * fall.lost_bytes else POSSIBLE
    return LikelyTrigger(words, sure, observed, fall.before.at)


def _who_took(grown: MemoryHolder | None, fall: Decline) -> tuple[str, ...]:
    if grown is None:
        return ()
    span = f"between {clock(fall.before.at)} and {clock(fall.worst.at)}"
    if fall.from_start:
        span = f"until {clock(fall.worst.at)}, as it already was when the recording began,"
    came = (f"from {grown.before_count} to {grown.count} processes" if grown.count != grown.before_count
            else formatting.count(grown.count, "process"))
    took = (f"{span} {formatting.size(fall.lost_bytes)} of memory and swap went; {grown.name} grew by "
            f"{formatting.size(grown.grown_bytes)} ({came})")
    return (took,)


def _filled(history: HostHistory, fall: Decline, paths: Mapping[str, str]) -> tuple[list[str], float | None]:
    """What filled up meanwhile, in words, and when the first of that began."""
    rises = spool_rises(history.points, fall.worst.at if fall.is_real else history.points[-1].at)
    why = [f"{paths.get(rise.name, f'the spool {rise.name}')} filled from {rise.before} to {rise.after} entries from "
           f"{clock(rise.began)} on" for rise in rises[:3]]
    return why, min((rise.began for rise in rises), default=None)


def _times(factor: float) -> str:
    return f"{factor:.0f} times" if factor >= 10 else f"{factor:.1f} times"

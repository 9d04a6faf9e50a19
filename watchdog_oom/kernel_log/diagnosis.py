"""All that is judged of one event, put together."""

from __future__ import annotations

from watchdog_oom.kernel_log.before import Past
from watchdog_oom.kernel_log.counted import count
from watchdog_oom.kernel_log.gfp import Request, request_of
from watchdog_oom.kernel_log.holders import Holders, holders
from watchdog_oom.kernel_log.model import Event
from watchdog_oom.kernel_log.prevention import Prevention, old_advice, prevention
from watchdog_oom.kernel_log.shortage import Shortage
from watchdog_oom.kernel_log.shortage_of_host import judge
from watchdog_oom.kernel_log.victim import why
from watchdog_oom.kernel_log.words import event_words
from watchdog_oom.lean_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One event with its judgement. ``contradicts``: numbers of the log that do not fit each other."""

    event: Event
    request: Request
    short: tuple[Shortage, ...]
    held: Holders
    why: tuple[str, ...]
    before: tuple[str, ...]
    prevention: Prevention
    old_advice: tuple[str, ...]
    contradicts: str
    words: str


def diagnose(event: Event, past: Past) -> Diagnosis:
    """Judges one event; ``past`` remembers it for the next ones."""
    request = request_of(event)
    short = judge(event)
    held = holders(event)
    return Diagnosis(event, request, short, held, why(event, held), past.before(event),
                     prevention(event, short, held), old_advice(event, short), count(event).contradicts,
                     event_words(event, request, short, held))

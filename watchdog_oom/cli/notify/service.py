"""The notifier: reads what is new in the journal, tells whom it may now, writes down what it did, and waits."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, replace
from typing import Any

from watchdog_oom.cli.notify.book import NotifyBook, delivered, failed
from watchdog_oom.cli.notify.cases import CaseKind, NotifyCase
from watchdog_oom.cli.notify.digest import digest_text
from watchdog_oom.cli.notify.folding import folded
from watchdog_oom.cli.notify.following import JournalFollower
from watchdog_oom.cli.notify.messages import message_of
from watchdog_oom.cli.notify.schedule import (
    ClockReading,
    Delivery,
    digest_is_due,
    known_to_all,
    next_delivery,
    wait_after,
    waiting,
)
from watchdog_oom.cli.notify.senders import send
from watchdog_oom.cli.notify.settings import NotifySettings
from watchdog_oom.cli.notify.standing import standing_of
from watchdog_oom.cli.notify.store import NotifyStore
from watchdog_oom.cli.status.news import StatusNews
from watchdog_oom.daemon.atomic_file import replace_file
from watchdog_oom.formatting import count

STANDING_NAME = "notify.json"
CALM_SECONDS = 60.0
SHOWN_SECONDS = 30.0  # the status file is written anew at the first look after that
BUSY_SECONDS = 2.0  # something waits: for its companions, for the end of quiet hours, for the next try


@dataclass(frozen=True, slots=True)
class NotifyPlaces:
    """Directories: the daemon's journal and runtime, and the notifier's own runtime."""

    log: str
    daemon_runtime: str
    runtime: str


class Notifier:
    """Everything is saved before a message is sent and after it was: one that is killed between sends it once more,
    with the same id."""

    def __init__(self, settings: NotifySettings, places: NotifyPlaces, store: NotifyStore, host: str) -> None:
        self._settings, self._places, self._store = settings, places, store
        self._host = settings.host or host
        self._book, trouble = store.load()
        self._troubles = [trouble] if trouble else []
        self._unsaved = ""
        self._saved_at = 0.0
        self._shown: dict[str, Any] = {}
        clock = _clock()
        if not self._book.digest_day and digest_is_due(self._book, settings, _day(clock.now), clock):
            self._book.digest_day = _day(clock.now)  # it is installed after today's time
        self._book.meet([target.name for target in settings.targets])
        self._follower = JournalFollower(places.log, self._book.place)

    def run(self) -> None:
        """Until it is killed."""
        news = StatusNews(self._places.log, written=True)  # before the first look, so that no event is missed
        try:
            while True:
                self.look()
                while self.deliver():
                    self.look()
                self._show()
                news.wait(BUSY_SECONDS if self._unfinished() else CALM_SECONDS)
        finally:
            news.close()

    def once(self) -> int:
        """Look, send what may be sent, and return how many messages still wait."""
        self.look()
        while self.deliver():
            pass
        self._show()
        clock = _clock()
        return sum(len(waiting(self._book, target, self._settings, clock.now)) for target in self._settings.targets)

    def look(self) -> None:
        """Take up what is new in the journal, and the digest when it is its time."""
        changed = False
        for record in self._follower.records():
            changed |= self._book.take(folded(self._book.cases, record))
        if self._follower.missed:
            self._book.take((_missed(self._follower.missed, time.time()),))
            self._follower.missed, changed = 0, True
        moved = self._book.place != self._follower.place
        self._book.place = self._follower.place
        clock = _clock()
        changed |= self._take_digest(clock)
        changed |= self._book.forget(known_to_all(self._book, self._settings), clock.now)
        # Where it is no news to anybody, the place alone need not be written each time: it is read again, to no harm.
        if changed or (moved and abs(clock.now - self._saved_at) >= CALM_SECONDS):
            self._save(clock.now)

    def deliver(self) -> bool:
        """Send one message, if one may be sent now; whether one was."""
        clock = _clock()
        delivery = next_delivery(self._book, self._settings, clock)
        if delivery is None:
            return False
        self._send(delivery, clock.now)
        self._save(clock.now)
        return True

    def close(self) -> None:
        self._follower.close()

    @property
    def book(self) -> NotifyBook:
        return self._book

    def _send(self, delivery: Delivery, now: float) -> None:
        target = delivery.target
        error = send(target, message_of(delivery, self._host, now), self._host, now, self._settings.timeout_seconds)
        if error:
            failures = self._book.targets[target.name].failures + 1
            failed(self._book, target.name, error, time.time(), wait_after(failures, self._settings.retry_seconds))
        else:
            delivered(self._book, target.name, delivery.stages, time.time())

    def _take_digest(self, clock: ClockReading) -> bool:
        day = _day(clock.now)
        if not digest_is_due(self._book, self._settings, day, clock):
            return False
        text = digest_text(self._places.log, self._places.daemon_runtime)
        self._book.digest_day = day
        return self._book.take((NotifyCase(f"digest-{day}", CaseKind.DIGEST, "digest", clock.now, clock.now,
                                           ended=clock.now, text=text),))

    def _unfinished(self) -> bool:
        known = known_to_all(self._book, self._settings)
        return any(name not in known for name in self._book.cases)

    def _save(self, now: float) -> None:
        self._unsaved = self._store.save(self._book)
        self._saved_at = now

    def _show(self) -> None:
        """The status file, when it is new or grows old; where it cannot be written there is nobody to tell."""
        troubles = [*self._troubles, *([self._unsaved] if self._unsaved else [])]
        standing = standing_of(self._book, self._settings, _clock(), os.getpid(), troubles)
        now, known = standing["written"], {**self._shown, "written": standing["written"]}
        if standing == known and 0 <= now - self._shown["written"] < SHOWN_SECONDS:
            return
        self._shown = standing
        replace_file(f"{self._places.runtime}/{STANDING_NAME}", json.dumps(standing).encode("ascii"), 0o644)


def _missed(number: int, now: float) -> NotifyCase:
    words = (f"{count(number, 'record')} of the journal had been rotated away before they were read: what was in them "
             "was not told")
    return replace(NotifyCase(f"missed@{now:.0f}", CaseKind.ALARM, "notify", now, now, ended=now), result=words)


def _clock() -> ClockReading:
    now = time.time()
    local = time.localtime(now)
    return ClockReading(now, local.tm_hour * 60 + local.tm_min + local.tm_sec / 60)


def _day(now: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(now))

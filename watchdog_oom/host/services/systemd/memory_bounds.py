"""Memory bounds of units, requested from systemd over D-Bus, each followed to its answer. Nothing waits here.

The call has no job: its answer is the result, and systemd sends it immediately unless PID 1 hangs.
"""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.outcome import Outcome
from watchdog_oom.host.services.dbus.connection import BusConnection
from watchdog_oom.host.services.dbus.events import Answered, Disconnected, Event, Unanswered
from watchdog_oom.host.services.dbus.wire import BusSignal, Call, Failure
from watchdog_oom.host.services.manager import JobEnd
from watchdog_oom.host.services.systemd.calls import bound_memory
from watchdog_oom.host.services.systemd.unit_properties import refusal
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import assert_never

AGAIN_SECONDS = 1.0
VERB = "set-property"


@dataclass(slots=True)
class _Setting:
    key: str
    call: Call
    began: float
    deadline: float
    ask_at: float | None = None


class SystemdBounds:
    """All requests under way. Calls go out through ``link``; incoming events are passed to ``take``."""

    def __init__(self, link: BusConnection) -> None:
        self._link = link
        self._asked: dict[int, _Setting] = {}
        self._to_ask: list[_Setting] = []
        self._ended: list[JobEnd] = []

    def begin(self, key: str, unit: str, high_bytes: int, max_bytes: int | None, now: float, *, seconds: float) -> None:
        """Ask systemd to set memory bounds on a unit; without an answer within ``seconds`` the request has failed."""
        self._ask(_Setting(key, bound_memory(unit, high_bytes, max_bytes), now, now + seconds), now)

    def ended(self) -> tuple[JobEnd, ...]:
        """The requests that ended since the last call."""
        ended, self._ended = tuple(self._ended), []
        return ended

    def tick(self, now: float) -> None:
        """Do what is due by the clock."""
        due = [setting for setting in self._to_ask if setting.ask_at is not None and now >= setting.ask_at]
        for setting in due:
            self._to_ask.remove(setting)
            self._ask(setting, now)

    def take(self, event: Event, now: float) -> None:
        """Process an event."""
        match event:
            case Answered(token, answer) if token in self._asked:
                setting = self._asked.pop(token)
                refused = isinstance(answer, Failure)
                told = refusal(VERB, answer.name, answer.text) if isinstance(answer, Failure) else f"{VERB} done"
                self._ended.append(JobEnd(setting.key, Outcome(not refused, told)))
            case Unanswered(token=token) if token in self._asked:
                self._unanswered(self._asked.pop(token), event, now)
            case Answered() | Unanswered() | BusSignal() | Disconnected():
                pass
            case _:
                assert_never(event)

    def _ask(self, setting: _Setting, now: float) -> None:
        setting.ask_at = None
        self._asked[self._link.call(setting.call, max(AGAIN_SECONDS, setting.deadline - now), now)] = setting

    def _unanswered(self, setting: _Setting, event: Unanswered, now: float) -> None:
        """Call again while there is time: setting the same bounds twice is harmless."""
        if not event.sent and not event.silent:
            self._ended.append(JobEnd(setting.key, Outcome(None, event.words)))
        elif now + AGAIN_SECONDS < setting.deadline:
            setting.ask_at = now + AGAIN_SECONDS
            self._to_ask.append(setting)
        else:
            late = f" within {formatting.duration(now - setting.began)}" if event.silent else ""
            self._ended.append(JobEnd(setting.key, Outcome(False, f"{VERB} failed: {event.words}{late}")))

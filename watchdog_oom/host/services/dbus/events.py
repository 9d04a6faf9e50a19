"""The events of a D-Bus connection: answers, missing answers, signals, and its loss."""

from __future__ import annotations

from watchdog_oom.host.services.dbus.wire import BusSignal, Call, Failure, Reply
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import TypeAlias


@dataclass(frozen=True, slots=True)
class BusAddress:
    """A socket and the calls made first there: no other call is sent before they are answered.

    Signals are accepted only from the peer that answered the last of them.
    """

    address: str
    opening: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a call, or its refusal by the peer."""

    token: int
    answer: Reply | Failure


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A call without an answer. ``sent``: it may still be carried out. ``silent``: the peer exists but does not answer,
    as opposed to a place where nobody listens or the peer does not speak D-Bus."""

    token: int
    sent: bool
    silent: bool
    words: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection broke: signals may have been missed."""

    words: str


Event: TypeAlias = Answered | Unanswered | BusSignal | Disconnected

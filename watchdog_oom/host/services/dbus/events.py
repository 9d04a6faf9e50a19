"""What a D-Bus connection tells: answers, the lack of them, signals, and its own end."""

from __future__ import annotations

from typing import TypeAlias

from watchdog_oom.host.services.dbus.wire import BusSignal, Call, Failure, Reply
from watchdog_oom.lean_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BusAddress:
    """A socket, and what is asked first there: before those calls are answered, no other is sent.

    Signals are believed only from whoever answered the last of them.
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
    """A call without an answer. ``sent``: it may be carried out all the same. ``silent``: the peer is there but says
    nothing, as opposed to a place where nobody listens or the wrong language is spoken."""

    token: int
    sent: bool
    silent: bool
    words: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection broke: signals may have been missed."""

    words: str


Event: TypeAlias = Answered | Unanswered | BusSignal | Disconnected

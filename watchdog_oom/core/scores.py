"""What is remembered of oom_score_adj from tick to tick: what was written and for whom, and what could not be. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.outcome import Outcome
from watchdog_oom.lean_dataclasses import dataclass, field, replace

MOST_WRITTEN = 256
# By the number of failures in a row: a value that was written and does not stay is written again after a minute.
_RETRY_SECONDS = (60.0, 60.0, 300.0, 1800.0, 3600.0)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A write that was asked for: by which intent, for which rule, when, how often in a row it has failed, and with
    which words. ``touched``: an attempt may have changed the value, so it has to be given back."""

    intent_id: str = ""
    rule: str = ""
    at: float = 0.0
    failures: int = 0
    words: str = ""
    touched: bool = False

    def due(self, now: float) -> bool:
        """Whether it is time for the first attempt or for the next one."""
        return not self.intent_id or now - self.at >= _RETRY_SECONDS[min(self.failures, len(_RETRY_SECONDS) - 1)]

    def begun(self, intent_id: str, rule: str, now: float) -> Attempt:
        return replace(self, intent_id=intent_id, rule=rule, at=now)

    def heard(self, outcome: Outcome) -> Attempt:
        touched = self.touched or outcome.ok is not False or outcome.after is not None
        if outcome.ok is False:
            return replace(self, failures=self.failures + 1, words=outcome.words, touched=touched)
        return replace(self, failures=0, words="", touched=touched)


NO_ATTEMPT = Attempt()


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A process whose oom_score_adj a rule sets: what stood there before, what is to stand there, since when, and the
    unit it was in (as ``home`` says). ``restore`` is the attempt to give it back."""

    comm: str
    original: int
    value: int
    since: float
    home: str = ""
    write: Attempt = NO_ATTEMPT
    restore: Attempt = NO_ATTEMPT


@dataclass(frozen=True, slots=True)
class Written:
    """A value that was written at ``since`` for the process ``label``: whoever was born after that may have it by
    inheritance. ``original`` is what had been there."""

    since: float
    label: str
    rule: str
    original: int


@dataclass(frozen=True, slots=True)
class LetGo:
    """How many processes did not live long enough to be worth a write since they were last told of."""

    count: int
    since: float


@dataclass(frozen=True, slots=True)
class Scores:
    """``written`` is the earliest write of each value in each unit; ``judged_until``: whoever was born before that has
    been asked whether his value is inherited. ``resets`` are the writes of 0 to those whose was. ``waiting`` are those
    who have not lived long enough yet, by rule, and ``let_go`` counts those who never did. ``failing`` are the words
    with which writes of a rule fail at present."""

    written: Mapping[tuple[int, str], Written] = field(default_factory=dict)
    judged_until: float = 0.0
    resets: Mapping[ProcessId, Attempt] = field(default_factory=dict)
    waiting: Mapping[ProcessId, str] = field(default_factory=dict)
    let_go: Mapping[str, LetGo] = field(default_factory=dict)
    failing: Mapping[str, str] = field(default_factory=dict)

    def noting(self, value: int, home: str, written: Written) -> Scores:
        """With this write; of several the earliest counts."""
        if value >= 0 or (value, home) in self.written:
            return self
        kept = sorted(self.written.items(), key=lambda item: item[1].since)[-(MOST_WRITTEN - 1):]
        return replace(self, written={**dict(kept), (value, home): written})


def home(process: Process) -> str:
    """The unit by which the service manager can have given the process its oom_score_adj; empty without one. It starts
    nobody in a scope: who lives there was moved there, with the value that he had (systemd.scope(5))."""
    unit = process.facts.unit
    return "" if unit is None or unit.endswith(".scope") else unit

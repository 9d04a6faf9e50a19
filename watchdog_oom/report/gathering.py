"""One incident as its records come along."""

from __future__ import annotations

from dataclasses import dataclass, field

from watchdog_oom.journal.told import CLOSED, HELD
from watchdog_oom.report import said
from watchdog_oom.report.model import IncidentNews, NightAct, NightIncident

MOST_NEWS = 500
MOST_REASONS = 12


@dataclass(slots=True)
class GatheredIncident:
    """An incident being read; without a name it is what one rule did outside of any."""

    name: str
    rule: str
    opened: float
    last: float
    closed: float | None = None
    ok: bool | None = None
    result: str = ""
    because: tuple[str, ...] = ()
    acts: list[NightAct] = field(default_factory=list)
    news: list[IncidentNews] = field(default_factory=list)

    def tell(self, news: IncidentNews, because: tuple[str, ...]) -> None:
        self.last = max(self.last, news.at)
        self.because = self.because or because[:MOST_REASONS]
        if len(self.news) < MOST_NEWS:
            self.news.append(news)
        if not news.step and said.begins(news.words, CLOSED):
            self.closed, self.ok = news.at, news.ok
            self.result = news.words.removeprefix(CLOSED).lstrip(": ")
        elif not news.step and said.begins(news.words, HELD):
            self.closed, self.ok, self.result = news.at, False, news.words

    def built(self) -> NightIncident:
        """What a rule did outside of any incident is over with its last act, and came out as the acts did."""
        because = self.because or next((act.because for act in self.acts if act.because), ())
        told = not self.acts and any(said.begins(news.words, *said.ONLY_TOLD) for news in self.news)
        closed, ok = self.closed, self.ok
        if not self.name and self.acts:
            closed = self.last
            ok = not any(act.ok is False for act in self.acts)
        elif not self.acts and self.closed is None:
            closed = self.last
        return NightIncident(self.name, self.rule, self.opened, self.last, closed, ok, self.result, because,
                             tuple(self.acts), tuple(self.news), told)

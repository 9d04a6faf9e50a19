"""The page of ``watchdog-oom replay``."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from watchdog_oom.cli.output import Page
from watchdog_oom.cli.replay.compare import Difference
from watchdog_oom.cli.replay.night import PlayedNight, PolicyVerdict
from watchdog_oom.formatting import count, duration
from watchdog_oom.recorder.act import ActKind, ReplayAct

MOST_WORDS = 12
MOST_BREAKS = 5
MOST_AGAIN = 5
LETTERS = "AB"
ANOTHER_WORLD = "From here on the recording is another world: it shows what came without this."
ALSO = "What follows is what the policy would also have done, each as if nothing had been done before."
_VERBS = {ActKind.ACT: "acts", ActKind.AGAIN: "would act again", ActKind.OBSERVED: "only observes; it would",
          ActKind.SCORE: "would protect", ActKind.NEWS: "says"}
_STYLES = {ActKind.ACT: "bold red", ActKind.OBSERVED: "yellow"}


def page_of(night: PlayedNight, where: str, difference: Difference | None) -> Page:
    page = Page()
    _recording(page, night, where)
    compared = len(night.verdicts) > 1
    if compared:
        _difference(page, night, difference)
    for letter, verdict in zip(LETTERS, night.verdicts, strict=False):
        _verdict(page, verdict, f"Policy {letter}: {verdict.name}" if compared else f"What {verdict.name} does")
    return page


def moment(wall: float) -> str:
    """A date and time of here; recordings may come from anybody."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))
    except (ValueError, OverflowError, OSError):
        return "at an unknown time"


def difference_words(night: PlayedNight, difference: Difference | None) -> str:
    """Where two policies first differ, in one sentence."""
    if difference is None:
        return "A and B do the same, at the same samples"
    first, later = ("B", "A") if difference.second else ("A", "B")
    act, other = difference.first, difference.later
    about = act.subjects[0] if act.subjects else act.words[0]
    does = "acts on" if act.kind is ActKind.ACT else "only observes, but would act on"
    told = f"policy {first} {does} {about} at {moment(act.wall)} [{act.rule}]"
    told = f"both act alike at first, and then {told}" if act.apart else told
    if other is None:
        return f"{told}, {later} never does"
    if not difference.by_seconds:
        return f"{told}; so does {later}, but otherwise [{other.rule}]"
    return f"{told}, {duration(difference.by_seconds)} before {later} [{other.rule}]"


def _recording(page: Page, night: PlayedNight, where: str) -> None:
    page.title(f"{where}: {moment(night.first)} to {moment(night.last)}")
    of = f" of {night.host}" if night.host else ""
    page.line(f"{count(night.samples, 'sample')}{of}, at most {duration(night.longest_gap_seconds)} apart", indent=1)
    if night.dropped:
        page.line((f"{count(night.dropped, 'sample')} lost", "yellow"), indent=1)
    for begin, end in night.breaks[:MOST_BREAKS]:
        span = f"from {moment(begin)} to {moment(end)}"
        page.line((f"nothing was recorded {span}; what had lasted counts anew", "yellow"), indent=1)
    if len(night.breaks) > MOST_BREAKS:
        page.line(f"and {count(len(night.breaks) - MOST_BREAKS, 'more break')}", indent=1)


def _difference(page: Page, night: PlayedNight, difference: Difference | None) -> None:
    page.title("The first difference" if difference is not None else "No difference")
    page.line((difference_words(night, difference), "bold red" if difference is not None else ""), indent=1)
    if difference is not None:
        _evidence(page, difference.first)


def _verdict(page: Page, verdict: PolicyVerdict, title: str) -> None:
    page.title(title)
    here = [act for act in verdict.acts if not act.apart]
    for act in here:
        _act(page, act)
    if not any(act.kind is ActKind.ACT for act in here):
        page.line("nothing is done", indent=1)
    else:
        _apart(page, [act for act in verdict.acts if act.apart])
    if verdict.lacks:
        page.line("What the recording cannot tell:", indent=1)
    for rule, words in verdict.lacks:
        page.line((rule, "bold"), f": {words}", indent=2)
    for note in verdict.notes:
        page.line(note, indent=1)


def _apart(page: Page, acts: Iterable[ReplayAct]) -> None:
    """What is only told: of a rule that would act again and again the first times, and how often."""
    acts = tuple(acts)
    also = ALSO if acts else "The policy would have done nothing else."
    page.line((f"{ANOTHER_WORLD} {also}", "yellow"), indent=1)
    again: Counter[str] = Counter()
    for act in acts:
        again[act.rule] += act.kind is ActKind.AGAIN
        if act.kind is not ActKind.AGAIN or again[act.rule] <= MOST_AGAIN:
            _act(page, act)
    for rule, times in again.items():
        if times > MOST_AGAIN:
            page.line((rule, "bold"), f" would act again {count(times - MOST_AGAIN, 'more time')}", indent=1)


def _act(page: Page, act: ReplayAct) -> None:
    style = _STYLES.get(act.kind, "")
    page.line(f"{moment(act.wall)}  ", (f"{act.rule} {_VERBS[act.kind]}", style), indent=1)
    for words in act.words[:MOST_WORDS]:
        page.line(words, indent=2)
    if len(act.words) > MOST_WORDS:
        page.line(f"and {len(act.words) - MOST_WORDS} more", indent=2)
    _evidence(page, act)


def _evidence(page: Page, act: ReplayAct) -> None:
    _listed(page, "because ", act.because)
    _listed(page, "assumed ", act.assumed)
    if act.earlier_seconds >= 1 and act.kind in (ActKind.ACT, ActKind.OBSERVED):
        older = f"the sample before is {duration(act.earlier_seconds)} older"
        page.line((f"{older}: it may have come so much earlier", "dim"), indent=2)


def _listed(page: Page, word: str, told: Iterable[str]) -> None:
    for reason in list(told)[:MOST_WORDS]:
        page.line((word, "dim"), reason, indent=2)

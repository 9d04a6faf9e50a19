"""The JSON of ``watchdog-oom replay``, as docs/recorder.md describes it."""

from __future__ import annotations

import math

from watchdog_oom.cli.replay.compare import Difference
from watchdog_oom.cli.replay.night import PlayedNight, PolicyVerdict
from watchdog_oom.cli.replay.page import difference_words
from watchdog_oom.recorder.act import ReplayAct

VERSION = 1


def plain_night(night: PlayedNight, where: str, difference: Difference | None) -> dict[str, object]:
    """``difference`` is null with one policy, and where there is none."""
    return {
        "v": VERSION, "recording": where, "host": night.host or None, "first": number(night.first),
        "last": number(night.last), "samples": night.samples, "dropped": night.dropped,
        "longest_gap_seconds": number(night.longest_gap_seconds),
        "breaks": [[number(begin), number(end)] for begin, end in night.breaks],
        "policies": [_verdict(verdict) for verdict in night.verdicts],
        "difference": None if difference is None else _difference(night, difference)}


def number(value: float) -> float | None:
    """JSON has no other."""
    return round(value, 3) if math.isfinite(value) else None


def _verdict(verdict: PolicyVerdict) -> dict[str, object]:
    return {"policy": verdict.name, "sources": verdict.sources, "acts": [_act(act) for act in verdict.acts],
            "lacks": [{"rule": rule, "words": words} for rule, words in verdict.lacks], "notes": verdict.notes}


def _act(act: ReplayAct) -> dict[str, object]:
    return {"kind": act.kind.value, "time": number(act.wall), "boottime": number(act.boottime), "rule": act.rule,
            "words": act.words, "because": act.because, "subjects": act.subjects, "assumed": act.assumed,
            "earlier_seconds": number(act.earlier_seconds), "apart": act.apart}


def _difference(night: PlayedNight, difference: Difference) -> dict[str, object]:
    first, other = ("B", "A") if difference.second else ("A", "B")
    seconds = difference.by_seconds
    return {"words": difference_words(night, difference), "first": first, "other": other,
            "act": _act(difference.first), "later": None if difference.later is None else _act(difference.later),
            "by_seconds": None if seconds is None else number(seconds)}

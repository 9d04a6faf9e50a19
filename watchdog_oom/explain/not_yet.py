"""Processes that only their age, size, parent or an exception keeps from matching a noun: who, and how near. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from watchdog_oom import formatting
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import replace

MOST_NAMED = 3


def not_yet_words(view: View) -> Iterator[str]:
    """One line for each key of a noun by which processes do not match that would match without it."""
    for noun in view.policy.processes.values():
        yield from why_not_yet(view, noun)


def why_not_yet(view: View, noun: ProcessNoun) -> Iterator[str]:
    """The same of one noun: those nearest to matching first."""
    clock = view.snapshot.clock
    if noun.age_above_seconds is not None:
        above = noun.age_above_seconds
        young = sorted(_without(view, noun, replace(noun, age_above_seconds=None)), key=_started)
        told = [f"{process.label} for another {formatting.duration(max(0.0, above - process.age_seconds(clock)))}"
                for process in young]
        yield from _line(noun, told, f"no older than {formatting.duration(above)}")
    if noun.rss_above is not None:
        small = sorted(_without(view, noun, replace(noun, rss_above=None)), key=lambda process: -process.rss_bytes)
        told = [f"{process.label} holds {formatting.size(process.rss_bytes)}" for process in small]
        memory = view.snapshot.memory
        above_bytes = noun.rss_above.of(memory.total_bytes if memory is not None else 0)
        unread = noun.rss_above.percent is not None and memory is None
        yield from _line(noun, told, "whose share of memory is not known, since memory could not be read" if unread
                         else f"no larger than {formatting.size(above_bytes)}")
    if noun.orphaned is not None:
        others = _without(view, noun, replace(noun, orphaned=None))
        yield from _line(noun, [process.label for process in others],
                         "whose parent has not ended, as far as can be told" if noun.orphaned else "without a parent")
    if noun.excepted:
        spared = _without(view, noun, replace(noun, excepted=()))
        yield from _line(noun, [f"{process.label} ({_exception(view, noun, process)})" for process in spared],
                         "that it excepts")


def _started(process: Process) -> int:
    return process.id.start_ticks


def _without(view: View, noun: ProcessNoun, wider: ProcessNoun) -> list[Process]:
    """Those of the wider noun that the noun does not match."""
    matched = {process.id for process in view.matching(noun.name)}
    return [process for process in view.snapshot.processes.values()
            if process.id not in matched and view.matches(wider, process)]


def _exception(view: View, noun: ProcessNoun, process: Process) -> str:
    for name in noun.excepted:
        answer = view.judge(view.policy.processes[name], process)
        if answer is not False:
            return name if answer else f"perhaps {name}"
    return "no more"


def _line(noun: ProcessNoun, told: list[str], why: str) -> Iterator[str]:
    if told:
        more = f" and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""
        yield (f"{noun.name} leaves out {'1 process' if len(told) == 1 else f'{len(told)} processes'} {why}: "
               f"{', '.join(told[:MOST_NAMED])}{more}")

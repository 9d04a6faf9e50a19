"""Warnings about what a noun asks beyond who a process is: older, larger, without its parent."""

from __future__ import annotations

from collections.abc import Iterator

from watchdog_oom import formatting
from watchdog_oom.cli.check.warned import Warned
from watchdog_oom.core.nouns import ProcessNoun, Size
from watchdog_oom.core.policy import Limit, Policy


def circumstances(policy: Policy) -> Iterator[Warned]:
    """What a noun asks already, so that a limit adds nothing; and protections that begin too late."""
    for limit in policy.limits.values():
        yield from _decided_already(limit, policy.processes[limit.process])
    for protect in policy.protects.values():
        noun = policy.processes[protect.process]
        keys = [key for key, given in (("age_above", noun.age_above_seconds), ("rss_above", noun.rss_above),
                                       ("orphaned", noun.orphaned)) if given is not None]
        if keys:
            yield (("protect", protect.name, "process"),
                   f"{noun.name} has {' and '.join(keys)}: while that does not hold, nothing protects the process")


def _decided_already(limit: Limit, noun: ProcessNoun) -> Iterator[Warned]:
    if limit.rss is not None and noun.rss_above is not None and _at_least(noun.rss_above, limit.rss):
        yield (("limit", limit.name, "rss"),
               f"each process of {noun.name} holds more already: its rss_above is not below this")
    age, runtime = noun.age_above_seconds, limit.runtime_seconds
    if age is not None and runtime is not None and age >= runtime:
        yield (("limit", limit.name, "runtime"),
               f"each process of {noun.name} is older already: its age_above is {formatting.duration(age)}")


def _at_least(one: Size, other: Size) -> bool:
    """As far as that can be told without the host: bytes against bytes, percent against percent."""
    if one.amount_bytes is not None and other.amount_bytes is not None:
        return one.amount_bytes >= other.amount_bytes
    return one.percent is not None and other.percent is not None and one.percent >= other.percent

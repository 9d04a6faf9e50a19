"""The events in a log: bytes in, events out, in a memory that does not grow with the log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from watchdog_oom.kernel_log.assembly import Assembly
from watchdog_oom.kernel_log.doubled import Doubled
from watchdog_oom.kernel_log.kinds import VAGUE, kind_of
from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.model import Event
from watchdog_oom.kernel_log.records import Records
from watchdog_oom.kernel_log.source import Source
from watchdog_oom.kernel_log.userspace import Killers
from watchdog_oom.kernel_log.wrapping import unwrapped

_BOOT = re.compile(r"Linux version (\d\S{1,64})")


def events_in(chunks: Iterable[bytes]) -> Iterator[Event]:
    """Every event, in the order in which they began. Raises NotALogError for what is no text."""
    source = Source(chunks)
    assembly, killers, doubled = Assembly(), Killers(), Doubled()
    last: Line | None = None
    for line in unwrapped(_lines(source)):
        if line.tag != "kernel" and (event := killers.take(line)) is not None:
            source.attend()
            yield event
        if last is not None and not line.prefixed and last.tag in ("", "kernel") and line.number - last.number <= 1:
            line.stamp, line.boot, line.host, line.caller = last.stamp, last.boot, last.host, last.caller
        last = line
        if line.tag in ("", "kernel"):
            kind = kind_of(line.text)
            if kind is not None:
                if not doubled.is_again(kind, line):
                    assembly.take(kind, line)
                if kind not in VAGUE:
                    source.attend()
            elif boot := _BOOT.match(line.text):
                assembly.boot(line, boot[1])
            yield from assembly.events()
    yield from assembly.end()
    yield from killers.end()


def _lines(source: Source) -> Iterator[Line]:
    records = Records()
    number = 0
    for number, raw in source:
        yield from records.lines(number, raw)
    yield from records.flush(number)

"""Where a report finds the kernel's own log: a file that is named, else the system journal, a log file, the kernel."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from itertools import chain

from watchdog_oom.cli.diagnose.sources import LogSource, of_boot, of_file, of_journal
from watchdog_oom.errors import WatchdogError
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.report.kernel_log import KernelLog
from watchdog_oom.report.model import NightSpan

LOG_FILES = ("/var/log/kern.log", "/var/log/messages", "/var/log/syslog")  # of Debian, Red Hat, others
ROTATED = ".1"


def named(paths: Sequence[str]) -> KernelLog:
    """The files that were asked for. Raises UsageError, NotPermittedError."""
    sources = [of_file(path) for path in paths]
    return KernelLog(", ".join(source.name for source in sources), chain.from_iterable(
        events_in(source.pieces) for source in sources))


def of_this_host(span: NightSpan) -> KernelLog:
    """The first of its logs that has anything at all of that time."""
    problems = []
    for source in _sources(span):
        try:
            pieces = iter(source.pieces)
            first = next(pieces, b"")
        except WatchdogError as error:
            problems.append(str(error))
            continue
        if first:
            booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) if source.this_boot else None
            return KernelLog(source.name, events_in(chain((first,), pieces)), booted)
    return KernelLog("", problem="; ".join(problems) or "this host keeps none that can be found")


def _sources(span: NightSpan) -> Iterator[LogSource]:
    yield of_journal(span.since, span.until)
    for path in LOG_FILES:
        files = [name for name in (f"{path}{ROTATED}", path) if os.path.isfile(name)]
        yield LogSource(path, chain.from_iterable(of_file(name).pieces for name in files))
    yield LogSource("the kernel's buffer", _of_boot(), this_boot=True)


def _of_boot() -> Iterator[bytes]:
    """Opened when it is its turn: only then it matters whether that may be done."""
    yield from of_boot().pieces

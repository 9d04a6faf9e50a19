"""Whose journal it is: the host's name in the records of its starts."""

from __future__ import annotations

from watchdog_oom.journal.files import lines_of
from watchdog_oom.journal.reader import PATIENCE_SECONDS, entry_chooser, opened_segments
from watchdog_oom.journal.record import Kind

_START = f'"kind":"{Kind.START}"'.encode("ascii")


def host_of(directory: str, until: float | None = None) -> str:
    """The name that the last start up to then has; empty in journals of releases that did not write it. The newest file
    that has one is enough. Raises NotPermittedError."""
    name = ""
    chosen = entry_chooser(until=until)
    with opened_segments(directory) as segments:
        for _name, fd in reversed(segments):
            if name:
                break
            for line, _complete in lines_of(fd, patience_seconds=PATIENCE_SECONDS):
                entry = chosen(line) if _START in line else None
                if entry is None or entry.record["kind"] != Kind.START:
                    continue
                detail = entry.record.get("detail")
                if isinstance(detail, dict) and isinstance(detail.get("host"), str):
                    name = detail["host"]
    return name

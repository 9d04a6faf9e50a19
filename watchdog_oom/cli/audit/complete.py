"""The names that the shell completes: rules and incidents, from the journal and from the daemon's status.

Whatever cannot be read completes nothing: no error may appear in the middle of a line that somebody types.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress

import click
from click.shell_completion import CompletionItem

from watchdog_oom.errors import WatchdogError
from watchdog_oom.formatting import printable
from watchdog_oom.journal.reader import opened_segments
from watchdog_oom.paths import LOG, RUNTIME

_MOST_READ_BYTES = 4 << 20  # of the end of the journal: a tenth of a second
_NAMES = re.compile(rb'"incident":(?:null|"([\w.-]{1,200})"),"rule":(?:null|"([\w.-]{1,200})")')


def rules(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Rules of the policy in force, and those that the journal names: ``limit.clamscan``; what was typed may also be
    the name alone."""
    known = {rule for _incident, rule in _in_journal(context) if rule} | set(_in_status(context))
    return [CompletionItem(rule) for rule in sorted(known)
            if rule.startswith(typed)] or [CompletionItem(name) for name in sorted({_name(rule) for rule in known})
                                           if typed and name.startswith(typed)]


def incidents(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Incidents that the journal names, the newest first, each with its rule where the shell shows it."""
    found = {incident: rule for incident, rule in _in_journal(context) if incident.startswith(typed) and incident}
    return [CompletionItem(incident, help=rule or None) for incident, rule in reversed(found.items())]


def _in_journal(context: click.Context) -> Iterator[tuple[str, str]]:
    """Pairs of incident and rule, either of which may be empty, from the last records."""
    directory = str(context.params.get("directory") or LOG)
    parts: list[bytes] = []
    left = _MOST_READ_BYTES
    with suppress(OSError, WatchdogError), opened_segments(directory) as segments:
        for _name_of_file, fd in reversed(segments):
            size = os.fstat(fd).st_size
            parts.insert(0, os.pread(fd, left, max(0, size - left)))
            left -= len(parts[0])
            if left <= 0:
                break
    for part in parts:
        for incident, rule in _NAMES.findall(part):
            yield incident.decode(), rule.decode()


def _in_status(context: click.Context) -> list[str]:
    """The rules of the policy in force."""
    directory = str(context.params.get("runtime") or RUNTIME)
    with suppress(OSError, ValueError, AttributeError, TypeError), open(f"{directory}/status.json", "rb") as file:
        kinds = json.load(file)["rules"].items()
        return [printable(f"{kind}.{name}") for kind, names in kinds if isinstance(names, list) for name in names]
    return []


def _name(rule: str) -> str:
    return rule.partition(".")[2]

"""What ``report`` reads: the journal, the recording, the daemon's status; and in words what it could not read."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from watchdog_oom.cli.report import kernel_log
from watchdog_oom.core.model import Snapshot
from watchdog_oom.errors import WatchdogError
from watchdog_oom.journal.reader import journal_exists, read_entries
from watchdog_oom.journal.verify import verify
from watchdog_oom.journal.whose import host_of
from watchdog_oom.paths import LOG, RUNTIME
from watchdog_oom.recorder.reading import samples
from watchdog_oom.recorder.sample import Sample
from watchdog_oom.recorder.segments import DIRECTORY
from watchdog_oom.report.kernel_log import KernelLog
from watchdog_oom.report.kernel_reports import MOST_TEXTS, TEXT, KernelText
from watchdog_oom.report.model import NightSpan
from watchdog_oom.report.night import NightFacts

_MOST_FINDINGS = 5
_STATUS_VERSION = 1


def gather(span: NightSpan, directory: str, runtime: str, kernel_logs: Sequence[str] = ()) -> NightFacts:
    """Raises NotPermittedError, UsageError. Records and snapshots are read as they are taken, never all at once."""
    exists = journal_exists(directory)
    troubles: list[str] = []
    if exists:
        findings = verify(directory).findings
        troubles += [f"the journal is damaged: {finding}" for finding in findings[:_MOST_FINDINGS]]
        if len(findings) > _MOST_FINDINGS:
            troubles.append(f"the journal is damaged in {len(findings) - _MOST_FINDINGS} more places: "
                            "watchdog-oom audit verify")
    texts: list[KernelText] = []
    hosts: list[str] = []
    own = socket.gethostname()
    host = host_of(directory, span.until) or (own if directory == LOG else "")

    named = kernel_log.named(kernel_logs) if kernel_logs else None

    def log() -> KernelLog | None:
        if named is not None:
            return named
        return kernel_log.of_this_host(span) if (*hosts, host)[0] == own else None
    return NightFacts(span, _records(span, directory), _snapshots(span, directory, troubles, texts, hosts),
                      _status_of(host, own, runtime, troubles), host, exists, troubles, texts, hosts, log)


def _status_of(host: str, own: str, runtime: str, troubles: list[str]) -> Mapping[str, Any] | None:
    """The status of the daemon on this host says nothing of another one's night, unless its directory is named."""
    if host not in ("", own) and runtime == RUNTIME:
        troubles.append(f"the journal is of {host}, not of this host: what is still held or paused there, and which "
                        "rules are in force, is not known")
        return None
    return _status(runtime, troubles)


def _records(span: NightSpan, directory: str) -> Iterator[Mapping[str, Any]]:
    return (entry.record for entry in read_entries(directory, since=span.since, until=span.until))


def _snapshots(span: NightSpan, directory: str, troubles: list[str], texts: list[KernelText],
               hosts: list[str]) -> Iterator[Snapshot]:
    """Those of the recording; one that cannot be read at all is told like one that is damaged. ``texts`` get what the
    recorder read of the kernel's log, ``hosts`` the name of the host, as it was last."""
    where = f"{directory}/{DIRECTORY}"
    if not os.path.isdir(where):
        return
    told: list[str] = []
    try:
        for sample in samples(where, span.since, span.until, told.append):
            if sample.about.get("host"):
                hosts[:] = [sample.about["host"]]
            if not sample.repeated:
                yield sample.snapshot
            elif sample.extra.get(TEXT) and len(texts) < MOST_TEXTS:
                texts.append(KernelText(_read_at(sample), sample.extra[TEXT]))
    except WatchdogError as error:
        told.append(str(error))
    troubles += [f"the recording: {words}" for words in told[:_MOST_FINDINGS]]
    if len(told) > _MOST_FINDINGS:
        troubles.append(f"the recording has {len(told) - _MOST_FINDINGS} more such places")


def _read_at(sample: Sample) -> float:
    clock = sample.snapshot.clock
    return clock.wall + (sample.read_boottime or clock.boottime) - clock.boottime


def _status(runtime: str, troubles: list[str]) -> Mapping[str, Any] | None:
    """The status of a daemon that runs; ``None`` without one. A file that somebody left behind is no status."""
    try:
        with open(f"{runtime}/status.json", encoding="utf-8") as file:
            status = json.load(file)
    except FileNotFoundError:
        troubles.append("the daemon is not running: what is still held or paused, and which rules are in force, is not "
                        "known")
        return None
    except (OSError, ValueError, WatchdogError) as error:
        troubles.append(f"the daemon's status cannot be read: {error}")
        return None
    if not isinstance(status, dict) or status.get("v") != _STATUS_VERSION:
        troubles.append("the daemon's status is of another version than this command")
        return None
    if not os.path.exists(f"/proc/{status.get('pid')}"):
        troubles.append("the daemon is not running; its last status was read")
    return status

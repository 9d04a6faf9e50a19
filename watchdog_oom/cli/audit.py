"""``watchdog-oom audit``: what the daemon did, from its journal, and whether the journal is intact."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from watchdog_oom.cli.audit_evidence import ShownEvidence
from watchdog_oom.cli.audit_filter import AuditFilter
from watchdog_oom.cli.since import parse_since
from watchdog_oom.formatting import printable
from watchdog_oom.journal.reader import Entry, journal_exists, read_entries
from watchdog_oom.journal.record import FAILED, Kind
from watchdog_oom.journal.verify import Verdict
from watchdog_oom.journal.verify import verify as verify_journal
from watchdog_oom.paths import LOG

EXIT_BROKEN = EXIT_NOTHING = 1
_COLOURS = {
    Kind.INCIDENT: "bold yellow", Kind.INTENT: "cyan", Kind.OUTCOME: "green", Kind.REFUSED: "magenta",
    Kind.RECOVERED: "bold yellow", Kind.LATE: "yellow",
}
_KIND_WIDTH = max(len(kind) for kind in Kind)

_log_option = click.option("--log", "directory", metavar="DIR", help=f"The journal's directory [{LOG}].")


@click.group(invoke_without_command=True)
@_log_option
@click.option("--since", metavar="T", help="Only from then on: 2h, 30min, today, yesterday, boot, or a date and time.")
@click.option("--rule", metavar="RULE", help="Only this rule: limit.clamscan, or clamscan for every rule of that name.")
@click.option("--incident", metavar="ID", help="Only this incident.")
@click.option("--json", "as_json", is_flag=True, help="The records as they are stored, one JSON object a line.")
@click.pass_context
def audit(context: click.Context, directory: str | None, since: str | None, rule: str | None, incident: str | None,
          as_json: bool) -> None:
    """What the daemon did, when, why, and with what result.

    Exit status: 0 fine, 1 there is no record of that rule or incident.
    """
    context.obj = directory
    if context.invoked_subcommand is not None:
        return
    directory = directory or LOG
    moment = None if since is None else parse_since(since)
    if not journal_exists(directory):
        click.echo(f"{directory}: there is no journal yet: no daemon has run with this log directory", err=True)
        return
    asked = AuditFilter(rule, incident)
    entries = asked.wanted(read_entries(directory, since=moment))
    if as_json:
        _print_json(entries)
    else:
        _print_lines(entries, ShownEvidence(partial(_of_incident, directory), incident))
    nothing = asked.nothing(since)
    if nothing:
        click.echo(nothing, err=True)
        context.exit(EXIT_NOTHING)


@audit.command()
@_log_option
@click.pass_context
def verify(context: click.Context, directory: str | None) -> None:
    """Check that no record was edited, removed, reordered or cut off. Exit status 1 if one was."""
    directory = directory or context.obj or LOG
    if not journal_exists(directory):
        click.echo(f"{directory}: there is no journal here, so there is nothing to verify", err=True)
        context.exit(EXIT_BROKEN)
    verdict = verify_journal(directory)
    for line in verdict_lines(verdict):
        click.echo(line)
    context.exit(0 if verdict.intact else EXIT_BROKEN)


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """The verdict in words: every finding, then what was verified."""
    for finding in verdict.findings:
        yield printable(str(finding))
    lines = f"{verdict.good_lines} record{'' if verdict.good_lines == 1 else 's'}"
    files = f"{verdict.segments} file{'' if verdict.segments == 1 else 's'}"
    yield f"intact: {lines} in {files}" if verdict.intact else f"BROKEN: {lines} in {files} are good, the rest is not"
    if verdict.first_seq is not None and verdict.first_seq > 1:
        yield f"verified from record {verdict.first_seq} on: rotation has removed the records before it"


def _print_json(entries: Iterator[Entry]) -> None:
    for entry in entries:
        click.echo(entry.line)


def _of_incident(directory: str, incident: str) -> Iterator[Mapping[str, Any]]:
    return (entry.record for entry in read_entries(directory, incident=incident))


def _print_lines(entries: Iterator[Entry], evidence: ShownEvidence) -> None:
    console = Console(highlight=False, soft_wrap=True, emoji=False, markup=False)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for entry in entries:
        title, kind, rest, because = (part.encode(encoding, "backslashreplace").decode(encoding)
                                      for part in _parts(entry.record, evidence))
        if title:
            console.print(Text(title, _COLOURS[Kind.INCIDENT]))
        colour = "red" if _failed(entry.record) else _colour(kind)
        console.print(Text.assemble((_local_time(entry.record["time"]), "dim"), "  ",
                                    (f"{kind:<{_KIND_WIDTH}}", colour), "  ", rest, (because, "dim")))
        for fault in _faults(entry.record):
            console.print(Text(f"    {fault}".encode(encoding, "backslashreplace").decode(encoding), "red"))


def _faults(record: Mapping[str, Any]) -> list[str]:
    """Why a policy was rejected, a line each."""
    detail = record.get("detail")
    faults = detail.get("faults") if isinstance(detail, dict) and record["kind"] == Kind.POLICY else None
    return [_text(fault) for fault in faults] if isinstance(faults, list) else []


def _parts(record: Mapping[str, Any], evidence: ShownEvidence) -> tuple[str, str, str, str]:
    """What to show above it, kind, what happened, and why: all safe for a terminal, whatever the name of a process."""
    subject = record.get("step") or _subject(record)
    failed = FAILED if _failed(record) else None
    told = ": ".join(_text(part) for part in (subject, failed, record.get("result")) if part)
    rule = f"  [{_text(record['rule'])}]" if record.get("rule") else ""
    dropped = f"  ({_text(record['dropped'])} records before this one were lost)" if record.get("dropped") else ""
    detail = record.get("detail")
    damaged = f"  (damaged: {_text(detail['damaged'])})" if isinstance(detail, dict) and "damaged" in detail else ""
    return (evidence.title(record), _text(record["kind"]), f"{told}{rule}{dropped}{damaged}".strip(),
            evidence.reasons(record))


def _failed(record: Mapping[str, Any]) -> bool:
    """An outcome that is known not to be what was wanted. Journals of older releases have no ``ok``: not known."""
    return record.get("kind") == Kind.OUTCOME and record.get("ok") is False


def _subject(record: Mapping[str, Any]) -> str:
    return f"incident {record['incident']}" if record.get("incident") else ""


def _text(value: object) -> str:
    return printable(str(value))


def _colour(kind: str) -> str:
    return _COLOURS.get(Kind(kind), "") if kind in {known.value for known in Kind} else ""


def _local_time(stamp: str) -> str:
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        return printable(stamp)

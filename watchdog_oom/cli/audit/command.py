"""``watchdog-oom audit``: what the daemon did, from its journal, and whether the journal is intact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO

import click

from watchdog_oom.cli.audit import complete
from watchdog_oom.cli.audit.evidence import ShownEvidence
from watchdog_oom.cli.audit.filter import AuditFilter, TextSearch
from watchdog_oom.cli.audit.follow import follow
from watchdog_oom.cli.audit.heads import compare_heads
from watchdog_oom.cli.audit.listing import Listing
from watchdog_oom.cli.audit.views import AuditView, JsonView, LongView, ShortView
from watchdog_oom.cli.since import parse_since
from watchdog_oom.errors import UsageError
from watchdog_oom.formatting import printable
from watchdog_oom.journal.reader import entry_chooser, journal_exists, read_entries
from watchdog_oom.journal.record import Kind
from watchdog_oom.journal.verify import Verdict
from watchdog_oom.journal.verify import verify as verify_journal
from watchdog_oom.paths import LOG

EXIT_BROKEN = EXIT_NOTHING = 1
_LINES_BEFORE_FOLLOWING = 10  # as journalctl(1) and tail(1)
_NO_JOURNAL = "there is no journal yet: no daemon has run with this log directory"

_log_option = click.option("--log", "directory", metavar="DIR", type=click.Path(readable=False),
                           help=f"The journal's directory [{LOG}].")


@click.group(invoke_without_command=True)
@_log_option
@click.option("-n", "--lines", "last", metavar="N", type=click.IntRange(min=0), help="Only the last N.")
@click.option("-f", "--follow", "following", is_flag=True,
              help=f"Go on as the daemon writes, until Ctrl-C; begins with the last {_LINES_BEFORE_FOLLOWING}.")
@click.option("--since", metavar="T",
              help="Only from then on: 2h, 30min, 12:45, today, yesterday 03:12, boot, or a date and time.")
@click.option("--until", metavar="T", help="Only until then, written in the same way.")
@click.option("--rule", metavar="RULE", shell_complete=complete.rules,
              help="Only this rule: limit.clamscan, or clamscan for every rule of that name.")
@click.option("--incident", metavar="ID", shell_complete=complete.incidents, help="Only this incident.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice([kind.value for kind in Kind]), metavar="KIND",
              help=f"Only records of this kind, repeatable: {', '.join(Kind)}.")
@click.option("--grep", metavar="REGEX", help="Only what is shown with a text that matches; all lower case: any case.")
@click.option("--long", "-l", "long", is_flag=True, help="Every record by itself, with all of its evidence.")
@click.option("--json", "as_json", is_flag=True, help="The records as they are stored, one JSON object a line.")
@click.pass_context
def audit(context: click.Context, directory: str | None, last: int | None, following: bool, since: str | None,
          until: str | None, rule: str | None, incident: str | None, kinds: tuple[str, ...], grep: str | None,
          long: bool, as_json: bool) -> None:
    """What the daemon did, when, why, and with what result: a line an act.

    Exit status: 0 fine, 1 there is no such record.
    """
    context.obj = directory
    if context.invoked_subcommand is not None:
        return
    directory = directory or LOG
    asked = AuditFilter(rule, incident, kinds)
    view = _view(directory, incident, long=long, as_json=as_json,
                 pending="no outcome is recorded" if asked.outcomes_wanted else "")
    search = None if grep is None else TextSearch(grep)
    from_time, to_time = (None if moment is None else parse_since(moment) for moment in (since, until))
    if not journal_exists(directory):
        click.echo(f"{directory}: {_NO_JOURNAL}", err=True)
        if not following:
            return
    if following:
        _follow(directory, Listing(view, asked, search, _first_lines(last, since)), view, from_time, until)
    listing = Listing(view, asked, search, last)
    for entry in read_entries(directory, since=from_time, until=to_time):
        listing.add(entry)
    listing.flush()
    nothing = "" if listing.found else asked.nothing(_period(since, until), grep)
    if nothing:
        click.echo(nothing, err=True)
        context.exit(EXIT_NOTHING)


@audit.command()
@_log_option
@click.option("--heads", metavar="FILE", type=click.File("rb"),
              help="Compare with the hourly hashes in this log of another host, - for standard input.")
@click.pass_context
def verify(context: click.Context, directory: str | None, heads: BinaryIO | None) -> None:
    """Check that no record was edited, removed, reordered or cut off. Exit status 1 if one was."""
    directory = directory or context.obj or LOG
    if not journal_exists(directory):
        click.echo(f"{directory}: there is no journal here, so there is nothing to verify", err=True)
        context.exit(EXIT_BROKEN)
    verdict = verify_journal(directory)
    for line in verdict_lines(verdict):
        click.echo(line)
    alike = True if heads is None else compare_heads(directory, heads.read())
    context.exit(0 if verdict.intact and alike else EXIT_BROKEN)


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """The verdict in words: every finding, then what was verified."""
    for finding in verdict.findings:
        yield printable(str(finding))
    lines = f"{verdict.good_lines} record{'' if verdict.good_lines == 1 else 's'}"
    files = f"{verdict.segments} file{'' if verdict.segments == 1 else 's'}"
    yield f"intact: {lines} in {files}" if verdict.intact else f"BROKEN: {lines} in {files} are good, the rest is not"
    if verdict.first_seq is not None and verdict.first_seq > 1:
        yield f"verified from record {verdict.first_seq} on: rotation has removed the records before it"


def _of_incident(directory: str, incident: str) -> Iterator[Mapping[str, Any]]:
    return (entry.record for entry in read_entries(directory, incident=incident))


def _view(directory: str, incident: str | None, *, long: bool, as_json: bool, pending: str) -> AuditView:
    if as_json:
        return JsonView()
    return LongView(ShownEvidence(partial(_of_incident, directory), incident)) if long else ShortView(pending)


def _first_lines(last: int | None, since: str | None) -> int | None:
    return _LINES_BEFORE_FOLLOWING if last is None and since is None else last


def _follow(directory: str, listing: Listing, view: AuditView, since: float | None, until: str | None) -> None:
    """Never returns: ended by Ctrl-C, or by a reader that goes."""
    if until is not None:
        raise UsageError("--follow has no end, so it cannot be used with --until")

    def begun() -> None:
        if isinstance(view, ShortView) and view.pending:
            view.pending = "begun"

    follow(directory, listing, entry_chooser(since=since), begun)


def _period(since: str | None, until: str | None) -> str:
    return " ".join(f"{word} {printable(moment)}" for word, moment in (("since", since), ("until", until))
                    if moment is not None)

"""``watchdog-oom diagnose``: what the log says of memory that ran out: what was short, who held it, what to change."""

from __future__ import annotations

from collections.abc import Iterator

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.diagnose.host import HostFacts, judged, read_host
from watchdog_oom.cli.diagnose.looked_for import missing_kills, nothing_found
from watchdog_oom.cli.diagnose.report import JsonReport, PageReport, Report
from watchdog_oom.cli.diagnose.sources import LogSource, of_boot, of_file, of_journal
from watchdog_oom.errors import UsageError
from watchdog_oom.kernel_log.before import Past
from watchdog_oom.kernel_log.copies import Copies
from watchdog_oom.kernel_log.diagnosis import diagnose as diagnosis_of
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.model import Event
from watchdog_oom.kernel_log.source import NotALogError

EXIT_NOTHING = 1


@click.command(short_help="What do the OOM reports in a log say?")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(readable=False, allow_dash=True))
@click.option("--journal", is_flag=True, help="Read the journal of this host, over all boots that it has.")
@click.option("--boot", is_flag=True, help="Read what the kernel itself still has of this boot.")
@options.as_json
@options.proc
@click.pass_context
def diagnose(context: click.Context, files: tuple[str, ...], journal: bool, boot: bool, as_json: bool,
             proc: str) -> None:
    """What was short, who held it, who died and why, and what would have prevented it: from any log that holds OOM
    reports, of every kernel since 2.4, in whatever form it was copied.

    FILE is a log (packed by gzip, bzip2 or xz, too); - is standard input.

    Exit status: 0 reports were found, 1 there are none.
    """
    if not (files or journal or boot):
        raise UsageError("name a log file, - for standard input, --journal or --boot")
    sources = [*(of_file(path) for path in files), *([of_journal()] if journal else []), *([of_boot()] if boot else [])]
    facts = read_host(proc) if journal or boot else None
    report: Report = JsonReport() if as_json else PageReport()
    found, logged, copies = _report_all(sources, report, facts)
    missing = missing_kills(facts.kills if facts is not None else None, logged)
    if found or as_json or facts is not None:
        report.end(() if facts is None else tuple(judged(facts)), None if facts is None else facts.kills, missing,
                   copies)
    if not found:
        click.echo(nothing_found([source.name for source in sources]), err=True)
        context.exit(EXIT_NOTHING)


def _report_all(sources: list[LogSource], report: Report, facts: HostFacts | None) -> tuple[int, int, int]:
    """How many events there are, how many kills by the kernel in the present boot, and how many events were told
    twice."""
    found = logged = 0
    past, copies = Past(), Copies()
    for source in sources:
        of_source = 0
        for event in _events(source):
            if copies.has(event):
                continue
            found += 1
            of_source += _of_this_boot(event, source, facts) if facts is not None else 0
            report.event(diagnosis_of(event, past), source.name)
        logged = max(logged, of_source)  # the journal has the kernel's log, too
    return found, logged, copies.count


def _events(source: LogSource) -> Iterator[Event]:
    try:
        yield from events_in(source.pieces)
    except NotALogError as error:
        raise UsageError(f"{source.name}: {error}") from None


def _of_this_boot(event: Event, source: LogSource, facts: HostFacts) -> int:
    if event.constraint == "userspace":
        return 0
    times = [kill.time or event.time for kill in event.kills]
    return sum(1 for time in times if source.this_boot or (
        time is not None and time.clock == "unix" and time.seconds is not None
        and facts.boot_time is not None and time.seconds >= facts.boot_time))

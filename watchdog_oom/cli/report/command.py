"""``watchdog-oom report``: the morning page, as HTML, text or JSON."""

from __future__ import annotations

import json
import os
import stat
import tempfile
import time

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.output import safe
from watchdog_oom.cli.report.facts import gather
from watchdog_oom.cli.since import parse_since
from watchdog_oom.errors import UsageError
from watchdog_oom.formatting import printable
from watchdog_oom.paths import LOG
from watchdog_oom.report.model import Night, NightSpan
from watchdog_oom.report.night import night_of

EXIT_FOUND = 1
_DEFAULT_SINCE = "24h"
_FILE_MODE = 0o640


@click.command(short_help="The morning page: what happened in the night, and why.")
@click.option("--since", metavar="T", default=_DEFAULT_SINCE, show_default=True,
              help="From then on: 2h, 30min, 12:45, today, yesterday 18:00, boot, or a date and time.")
@click.option("--until", metavar="T", default="now", help="Until then, written in the same way [now].")
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, readable=False),
              help="Write the HTML page to this file, replacing it; - is the standard output.")
@click.option("--text", "as_text", is_flag=True,
              help="As plain text, for a mail or a terminal; the default without -o.")
@options.as_json
@click.option("--unless-quiet", is_flag=True, help="Write and print nothing when nothing happened.")
@click.option("--log", "directory", metavar="DIR", type=click.Path(readable=False), default=LOG,
              help=f"The directory of the journal and the recording [{LOG}].")
@click.option("--kernel-log", "kernel_logs", multiple=True, metavar="FILE", type=click.Path(readable=False),
              help="The kernel's log of that host, for kills that nobody recorded; repeatable [this host's own].")
@options.runtime
@click.pass_context
def report(context: click.Context, since: str, until: str, output: str | None, as_text: bool, as_json: bool,
           unless_quiet: bool, directory: str, kernel_logs: tuple[str, ...], runtime: str) -> None:
    """What happened, what probably began it, what was done about it, and what to do now.

    With -o one HTML file that loads nothing and can be mailed; the sentence that says what happened is printed as well.

    Exit status: 0 a quiet night, 1 something happened, 2 wrong usage, 3 not permitted.
    """
    if as_text and as_json:
        raise UsageError("--text and --json are two forms: choose one")
    night = night_of(gather(_span(since, until), directory, runtime, kernel_logs))
    if not (unless_quiet and night.quiet):
        _give(night, output, as_text=as_text or output is None, as_json=as_json)
    context.exit(0 if night.quiet else EXIT_FOUND)


def _span(since: str, until: str) -> NightSpan:
    now = time.time()
    span = NightSpan(parse_since(since, wall=now), parse_since(until, wall=now))
    if span.until <= span.since:
        raise UsageError(f"--since {printable(since)} is not before --until {printable(until)}")
    return span


def _give(night: Night, output: str | None, *, as_text: bool, as_json: bool) -> None:
    whole = _form(night, as_text=as_text, as_json=as_json)
    if output in (None, "-"):
        click.echo(whole, nl=False)
        return
    _write(str(output), whole)
    click.echo(f"{safe(night.headline)}\n{safe(str(output))}")


def _form(night: Night, *, as_text: bool, as_json: bool) -> str:
    """One of the three forms; what makes it is imported when it is asked for."""
    if as_json:
        from watchdog_oom.report.plain import plain_of
        return json.dumps(plain_of(night), indent=2, allow_nan=False) + "\n"
    if as_text:
        from watchdog_oom.report.text import text_of
        return text_of(night)
    from watchdog_oom.report.page import html_of
    return html_of(night) + "\n"


def _write(path: str, text: str) -> None:
    """Replace the file as a whole; for its owner and group alone, as the page has command lines in it."""
    directory = os.path.dirname(os.path.abspath(path))
    try:
        if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
            raise UsageError(f"{path}: is no regular file, so it is not replaced")
        fd, temporary = tempfile.mkstemp(prefix=".watchdog-oom-report-", dir=directory)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{directory}: there is no such directory") from error
    try:
        with open(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
            os.fchmod(fd, _FILE_MODE)
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise

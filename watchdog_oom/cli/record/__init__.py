"""``watchdog-oom record``: a night cut out of the flight recorder, to be kept or handed to others."""

from __future__ import annotations

import json
import os
import time
from math import inf

import click

from watchdog_oom import formatting
from watchdog_oom.cli.output import safe
from watchdog_oom.cli.record.anonymous import Anonymous
from watchdog_oom.cli.record.cut import CutOut, cut, new_file
from watchdog_oom.cli.record.words import Words
from watchdog_oom.cli.recordings import EXIT_NOTHING, LOG_OPTION, Troubles, recording_of, say_nothing_was_recorded
from watchdog_oom.cli.since import parse_since
from watchdog_oom.errors import UsageError
from watchdog_oom.recorder.reading import covered, samples


@click.command(short_help="Cut a night out of the flight recorder.")
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(readable=False))
@LOG_OPTION
@click.option("--since", metavar="T", help="From then on: 8h, 22:00, yesterday 22:00, or a date and time [the first].")
@click.option("--until", metavar="T", help="Until then, written in the same way [the last].")
@click.option("--anonymize", is_flag=True, help="Replace names, users, paths, arguments, units and the host's name.")
@click.option("--map", "map_path", metavar="FILE", type=click.Path(dir_okay=False),
              help="Also write, with --anonymize, what each word became, for yourself.")
@click.option("-o", "--output", required=True, metavar="FILE", type=click.Path(dir_okay=False),
              help="The new file; nothing is overwritten.")
@click.pass_context
def record(context: click.Context, file: str | None, directory: str | None, since: str | None, until: str | None,
           anonymize: bool, map_path: str | None, output: str) -> None:
    """Write the samples of a span of time into one file, which top, replay and report read like the recorder's own.
    Without --since and --until, all that there are; FILE is a file that was cut out before.

    Exit status: 0 fine, 1 nothing was recorded in that time, 2 there is no recording or the new file is there already.
    """
    if map_path is not None and not anonymize:
        raise UsageError("--map says what --anonymize replaced, so it needs --anonymize")
    where = recording_of(file, directory)
    first, last = -inf if since is None else parse_since(since), inf if until is None else parse_since(until)
    if first > last:
        raise UsageError(f"--since {since} is later than --until {until}")
    troubles = Troubles()
    words = Words()
    if map_path is not None and os.path.lexists(map_path):
        raise UsageError(f"{map_path}: is there already, and nothing is overwritten; choose another name")
    found = samples(where, first, last, troubles.tell)
    if anonymize:
        anonymous = Anonymous(words)
        found = (anonymous.sample(sample) for sample in found)
    written = cut(found, output)
    troubles.show()
    if written is None:
        span = covered(where)
        if span is None:
            context.exit(say_nothing_was_recorded(where, file))
        click.echo(f"watchdog-oom: {safe(where)}: nothing was recorded in that time; the recording goes from "
                   f"{_moment(span[0])} to {_moment(span[1])}", err=True)
        context.exit(EXIT_NOTHING)
    if map_path is not None:
        with open(new_file(map_path), "w", encoding="ascii") as map_file:
            json.dump(words.map(), map_file, indent=1)
    click.echo(_told(written, output, anonymize=anonymize))


def _told(written: CutOut, output: str, *, anonymize: bool) -> str:
    replaced = ", names replaced" if anonymize else ""
    return (f"{safe(output)}: {formatting.count(written.samples, 'sample')} from {_moment(written.first)} to "
            f"{_moment(written.last)}, {formatting.size(written.size_bytes)}{replaced}")


def _moment(wall: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))

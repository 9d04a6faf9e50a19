"""Where a recording is, and what is wrong with it: for all commands that read one."""

from __future__ import annotations

import os
from contextlib import suppress

import click

from watchdog_oom.cli.output import safe
from watchdog_oom.errors import UsageError
from watchdog_oom.formatting import count
from watchdog_oom.paths import LOG
from watchdog_oom.recorder.segments import DIRECTORY

EXIT_NOTHING = 1
MOST_TOLD = 5

LOG_OPTION = click.option("--log", "directory", metavar="DIR", type=click.Path(readable=False),
                          help=f"The daemon's log directory [{LOG}].")


def recording_of(file: str | None, log: str | None) -> str:
    """The path of a file, or of the recorder's directory below that of the daemon's log. Raises UsageError."""
    if file is not None and log is not None:
        raise UsageError("a FILE and --log exclude each other: each says where the recording is")
    if file is not None:
        return file
    where = f"{log or LOG}/{DIRECTORY}"
    with suppress(PermissionError, NotADirectoryError):  # whoever opens it tells them
        try:
            os.stat(where)
        except FileNotFoundError:
            raise UsageError(f"{where}: there is no recording: no daemon has run its flight recorder here") from None
    return where


def say_nothing_was_recorded(where: str, file: str | None) -> int:
    """In a whole recording; the exit status. A FILE without a sample is none that a recorder wrote."""
    words = "nothing was recorded yet" if file is None else "has no sample that can be read, so it is no recording"
    click.echo(f"watchdog-oom: {safe(where)}: {words}", err=True)
    return EXIT_NOTHING if file is None else UsageError.exit_status


class Troubles:
    """What is wrong with a recording, each once, for standard error."""

    def __init__(self) -> None:
        self._told: dict[str, None] = {}

    def tell(self, words: str) -> None:
        self._told.setdefault(words)

    def show(self) -> None:
        """The first few; all of a recording that is nothing but damage would be no help."""
        for words in list(self._told)[:MOST_TOLD]:
            click.echo(f"watchdog-oom: {safe(words)}", err=True)
        more = len(self._told) - MOST_TOLD
        if more > 0:
            click.echo(f"watchdog-oom: and {count(more, 'more trouble')} of the kind", err=True)

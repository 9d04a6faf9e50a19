"""The file that node_exporter reads: replaced atomically, again and again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import click

from watchdog_oom.cli.output import safe
from watchdog_oom.cli.whole_file import replace_whole
from watchdog_oom.errors import UsageError

SUFFIX = ".prom"  # node_exporter reads no other


def checked_name(path: str) -> str:
    """UsageError where node_exporter would never read such a file."""
    if not path.endswith(SUFFIX):
        raise UsageError(f"{path}: node_exporter reads only files that end with {SUFFIX}: "
                         f"name it DIR/watchdog_oom{SUFFIX}")
    return path


def write_once(path: str, content: bytes) -> None:
    """Raises UsageError where the directory does not exist, other OSErrors as they are."""
    try:
        replace_whole(path, content)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(missing_words(path)) from None


def write_forever(path: str, every_seconds: float, text: Callable[[], bytes]) -> None:
    """Every so often until a signal. What keeps the file from being written is said once, and when that is over."""
    told = ""
    while True:
        trouble = _trouble_of(path, text())
        if trouble != told:
            click.echo(safe(f"watchdog-oom: {trouble or f'{path}: is written again'}"), err=True)
        told = trouble
        time.sleep(every_seconds)


def missing_words(path: str) -> str:
    directory = os.path.dirname(path) or "."
    return (f"{directory}: there is no such directory: name the one that node_exporter is started with "
            f"(--collector.textfile.directory)")


def _trouble_of(path: str, content: bytes) -> str:
    try:
        replace_whole(path, content)
    except (FileNotFoundError, NotADirectoryError):
        return missing_words(path)
    except OSError as error:
        return f"{path}: cannot be written: {error.strerror}"
    return ""

"""``watchdog-oom export``: a policy as configuration of other programs."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.dropins import DropIn, drop_ins
from watchdog_oom.cli.loaded import Places, load
from watchdog_oom.cli.output import safe
from watchdog_oom.policy.check import where
from watchdog_oom.policy.lines import Path

UNIT_DIRECTORY = "/etc/systemd/system"
EXIT_NOTHING = 1


@click.group(short_help="What the policy protects, as systemd drop-ins.")
def export() -> None:
    """Write what a policy says as configuration of another program."""


@export.command(short_help="Drop-ins with OOMScoreAdjust, OOMPolicy and memory bounds.")
@options.policy_paths
@options.policies
@click.option("-o", "--output", metavar="DIR", type=click.Path(file_okay=False),
              help=f"Write the drop-ins below this directory, such as {UNIT_DIRECTORY}.")
@click.pass_context
def systemd(context: click.Context, paths: tuple[str, ...], directories: tuple[str, ...], output: str | None) -> None:
    """Print systemd drop-ins for what the policy protects and contains, so that it also holds without the daemon.

    PATH is a policy file or a directory of them; without PATH, the installed policy is used. After installing the
    drop-ins, run "systemctl daemon-reload"; OOMScoreAdjust applies from the next start of each unit.

    Rules without a unit are listed on standard error. Exit status: 0 fine, 1 there is nothing to export, 2 the policy
    is not valid.
    """
    files = [directory for directory in directories if os.path.isfile(directory)]
    loaded = load((*paths, *files), [directory for directory in directories if directory not in files], None)
    found, warnings = drop_ins(loaded.policy, loaded.values)
    places = Places(loaded.policy.sources)
    if output is None:
        _print(found, places)
    else:
        _write(output, found, places)
    for table, what in warnings:
        click.echo(safe(str(places.fault(table, what))), err=True)
    if not found:
        click.echo("watchdog-oom: the policy protects and contains nothing whose unit is known", err=True)
    context.exit(0 if found else EXIT_NOTHING)


def _text(drop_in: DropIn, places: Places) -> str:
    return drop_in.text({table: _place(table, places) for table in drop_in.tables})


def _place(table: Path, places: Places) -> str:
    """A table in words, with its file and line."""
    fault = places.fault(table, "")
    return safe(f"{where(table)}, {fault.file}:{fault.line}")


def _print(found: Sequence[DropIn], places: Places) -> None:
    for number, drop_in in enumerate(found):
        click.echo("\n" if number else "", nl=False)
        click.echo(f"# {UNIT_DIRECTORY}/{drop_in.path}\n{_text(drop_in, places)}", nl=False)


def _write(directory: str, found: Sequence[DropIn], places: Places) -> None:
    """Each file is replaced atomically; systemd never reads a partial one."""
    for drop_in in found:
        path = os.path.join(directory, drop_in.path)
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        fd = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with open(fd, "w", encoding="utf-8") as file:
            file.write(_text(drop_in, places))
        os.replace(f"{path}.new", path)
        click.echo(path)

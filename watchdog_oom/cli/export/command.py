"""``watchdog-oom export``: a policy as configuration of other programs, and the units of this one."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.export.dropins import DropIn, drop_ins
from watchdog_oom.cli.export.own_units import DAEMON_UNIT, own_units, programs_directory, show_doubts, unit_text
from watchdog_oom.cli.loaded import Places, load
from watchdog_oom.cli.output import safe
from watchdog_oom.cli.whole_file import replace_text
from watchdog_oom.policy.check import where
from watchdog_oom.policy.lines import Path

UNIT_DIRECTORY = "/etc/systemd/system"
EXIT_NOTHING = 1


@click.group(short_help="What the policy protects, as systemd drop-ins; the daemon's own unit.")
def export() -> None:
    """Write what a policy says as configuration of another program, or the units of this one."""


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
    loaded = load(paths, directories, None)
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


@export.command(short_help="The daemon's own unit, for this installation.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("-o", "--output", metavar="DIR", type=click.Path(file_okay=False),
              help=f"Write them into this directory, such as {UNIT_DIRECTORY}.")
@click.option("--list", "listed", is_flag=True, help="Only the names of the units there are.")
@click.pass_context
def unit(context: click.Context, names: tuple[str, ...], output: str | None, listed: bool) -> None:
    """Print systemd units with the paths of this installation, for whoever installed it with pip or pipx.

    Without NAME it is the daemon's. Afterwards: systemctl daemon-reload && systemctl enable --now watchdog-oomd

    Exit status: 0 fine, 1 root should not run these programs, and why is on standard error, 2 there is no such unit.
    """
    units, scripts = own_units(), programs_directory()
    if listed:
        click.echo("\n".join(units))
        return
    texts = {name: unit_text(name, units, scripts) for name in names or (DAEMON_UNIT,)}
    for number, (name, text) in enumerate(texts.items()):
        if output is not None:
            write_file(os.path.join(output, name), text)
        else:
            click.echo(("\n" if number else "") + (f"# {UNIT_DIRECTORY}/{name}\n" if len(texts) > 1 else "") + text,
                       nl=False)
    context.exit(EXIT_NOTHING if show_doubts(scripts) else 0)


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
    for drop_in in found:
        write_file(os.path.join(directory, drop_in.path), _text(drop_in, places))


def write_file(path: str, text: str) -> None:
    """Systemd never reads a partial one."""
    os.makedirs(os.path.dirname(path) or ".", mode=0o755, exist_ok=True)
    replace_text(path, text)
    click.echo(path)

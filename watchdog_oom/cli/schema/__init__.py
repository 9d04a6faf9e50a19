"""``watchdog-oom schema``: the JSON Schema of the policy language, for editors."""

from __future__ import annotations

import os

import click

from watchdog_oom.cli.output import safe
from watchdog_oom.cli.whole_file import replace_text

SCHEMA_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "policy.schema.json")


@click.command(short_help="The JSON Schema of the policy language, for editors.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False),
              help="Write it there instead of printing it.")
def schema(output: str | None) -> None:
    """Print the JSON Schema (draft 2020-12) of policy files.

    An editor that speaks to tombi or taplo marks a misspelt key at its line and explains each key, if the first line
    of a policy is "#:schema file:///PATH", as "watchdog-oom init" writes it.
    """
    with open(SCHEMA_FILE, encoding="utf-8") as file:
        text = file.read()
    if output is None:
        click.echo(text, nl=False)
        return
    replace_text(output, text)
    click.echo(safe(output))

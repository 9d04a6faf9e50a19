"""``watchdog-oom init``: a first policy for this host, from what runs on it, that only observes."""

from __future__ import annotations

import os
import tempfile
from urllib.parse import quote

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.check.command import warnings_of
from watchdog_oom.cli.host_view import look
from watchdog_oom.cli.init.explained import with_explanations
from watchdog_oom.cli.init.known import read_known
from watchdog_oom.cli.init.page import first_policy
from watchdog_oom.cli.init.place import already_there, checked_target, difference, put
from watchdog_oom.cli.init.sense import read_facts
from watchdog_oom.cli.init.start_from import SHIPPED, started_from
from watchdog_oom.cli.loaded import load
from watchdog_oom.cli.output import safe
from watchdog_oom.cli.schema import SCHEMA_FILE
from watchdog_oom.daemon.config import Config, build_config
from watchdog_oom.errors import Fault, UsageError
from watchdog_oom.paths import CONFIG
from watchdog_oom.policy.load import DEFAULT_POLICY, load_config

EXIT_DIFFERENT = 1


@click.command(short_help="A first policy for this host, that only observes.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(readable=False),
              help="Write the policy there, if there is no such file yet; else it is printed.")
@click.option("--for", "wanted", type=click.Choice(list(SHIPPED)),
              help="Start from the shipped policy for such a host, with this host's names.")
@click.option("--diff", "only_difference", is_flag=True, help="With -o: how the file that is there would change.")
@options.config
@options.proc
@click.pass_context
def init(context: click.Context, output: str | None, wanted: str | None, only_difference: bool,
         config_path: str | None, proc: str) -> None:
    """Look at this host and write a first policy for it, with comments: what runs, what protects it, limits from what
    is seen now, recoveries for services that can be asked whether they answer.

    The policy only observes, and check accepts it; what check warns of is explained in it. Nothing on the host is
    changed, and no file is ever overwritten.

    Exit status: 0 fine, 1 with --diff: there are differences, 2 the file is there already, or wrong usage.
    """
    if only_difference and output is None:
        raise UsageError("--diff needs -o FILE, the file to compare with")
    target = None if output is None else checked_target(output)
    if target is not None and os.path.lexists(target) and not only_difference:
        raise already_there(target)
    text = _policy(wanted, config_path, proc)
    if target is None:
        click.echo(text, nl=False)
    elif only_difference and os.path.lexists(target):
        found = difference(target, text)
        click.echo("".join(f"{safe(line)}\n" for line in found.splitlines()), nl=False)
        context.exit(EXIT_DIFFERENT if found else 0)
    else:
        put(target, text)
        click.echo(f"{safe(target)}: written. It only observes. Next: watchdog-oom check {safe(target)}")


def _policy(wanted: str | None, config_path: str | None, proc: str) -> str:
    config = build_config(load_config(config_path or CONFIG, check_ownership=os.geteuid() == 0).ir)
    known = read_known()
    facts = read_facts(known, config, proc)
    schema = f"file://{quote(SCHEMA_FILE)}"
    if wanted is None:
        text = first_policy(facts, known, schema)
    else:
        with open(os.path.join(os.path.dirname(DEFAULT_POLICY), SHIPPED[wanted]), encoding="utf-8") as file:
            text = started_from(file.read(), wanted, facts, known, schema)
    return with_explanations(text, _warnings(text, config, config_path, proc))


def _warnings(text: str, config: Config, config_path: str | None, proc: str) -> tuple[Fault, ...]:
    """What check says of it: asked of a file that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="watchdog-oom-init-") as directory:
        path = os.path.join(directory, "init.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        loaded = load([path], [], config_path)
        return warnings_of(loaded, look(loaded.policy, config, proc, ranked=False))

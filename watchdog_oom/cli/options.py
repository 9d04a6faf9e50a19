"""The options that several commands share; they mean the same in the daemon."""

from __future__ import annotations

import json
from contextlib import suppress

import click

from watchdog_oom import paths


def _rules(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """The rules of the running daemon, to complete a name."""
    found: list[str] = []
    with suppress(OSError, ValueError, KeyError, AttributeError, TypeError):
        with open(f"{context.params.get('runtime') or paths.RUNTIME}/status.json", encoding="utf-8") as file:
            rules = json.load(file)["rules"]
        found = [f"{kind}.{name}" for kind, names in rules.items() if isinstance(names, list) for name in names]
    return [rule for rule in (*found, "emergency") if rule.startswith(begun)]


rule = click.argument("rule", metavar="RULE", shell_complete=_rules)
rule_or_all = click.argument("rule", metavar="[RULE]", required=False, shell_complete=_rules)
all_rules = click.option("--all", "everything", is_flag=True, help="All rules but the emergency.")
why = click.option("--why", metavar="TEXT", default="", help="The reason, for the journal and for others.")
policy_paths = click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(readable=False))
policies = click.option("--policies", "directories", multiple=True, metavar="DIR", type=click.Path(readable=False),
                        help=f"A directory of policy files, repeatable [{paths.POLICIES}].")
config = click.option("--config", "config_path", metavar="FILE", type=click.Path(readable=False),
                      help=f"The daemon's own configuration [{paths.CONFIG}].")
state = click.option("--state", metavar="DIR", default=paths.STATE, type=click.Path(readable=False),
                     help=f"Where the daemon keeps what survives a restart [{paths.STATE}].")
runtime = click.option("--runtime", metavar="DIR", default=paths.RUNTIME, type=click.Path(readable=False),
                       help=f"Where the daemon's lock and status are [{paths.RUNTIME}].")
proc = click.option("--proc", metavar="DIR", default="/proc", type=click.Path(exists=True, file_okay=False),
                    help="Read the host from this directory instead of /proc.")
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document, as docs/commands.md describes it.")

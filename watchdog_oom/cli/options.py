"""The options that several commands share; they mean the same in the daemon."""

from __future__ import annotations

import click

from watchdog_oom import paths

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

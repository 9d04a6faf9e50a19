"""``watchdog-oom notify``: tells people what happens, as a service of its own beside the daemon."""

from __future__ import annotations

import socket
import time

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.notify.messages import trial
from watchdog_oom.cli.notify.senders import send
from watchdog_oom.cli.notify.service import Notifier, NotifyPlaces
from watchdog_oom.cli.notify.settings import SETTINGS_FILE, NotifySettings, read_settings
from watchdog_oom.cli.notify.store import NotifyStore
from watchdog_oom.cli.output import safe
from watchdog_oom.cli.status.notifier import OWN
from watchdog_oom.daemon.own_directories import own_directory
from watchdog_oom.errors import UsageError
from watchdog_oom.formatting import count
from watchdog_oom.host.syscalls import keep_capabilities_to_itself
from watchdog_oom.paths import LOG, STATE

EXIT_UNTOLD = 1


@click.command(short_help="Tell people what happens: by mail, by a program, by apprise.")
@click.option("--config", "config_path", metavar="FILE", type=click.Path(readable=False), default=SETTINGS_FILE,
              help=f"Whom to tell, how and when [{SETTINGS_FILE}].")
@click.option("--log", "directory", metavar="DIR", type=click.Path(readable=False), default=LOG,
              help=f"The journal's directory [{LOG}].")
@click.option("--state", metavar="DIR", type=click.Path(readable=False), default=f"{STATE}{OWN}",
              help=f"Where it keeps what is not told yet [{STATE}{OWN}].")
@options.runtime
@click.option("--test", "testing", is_flag=True, help="Send each target a message that says it is a test, and end.")
@click.option("--once", is_flag=True, help="Look, send what is due, and end, instead of following the journal.")
@click.pass_context
def notify(context: click.Context, config_path: str, directory: str, state: str, runtime: str, testing: bool,
           once: bool) -> None:
    """Follow the journal and tell people: one message when an incident begins, one when it is over. What cannot be
    sent is kept on disk and sent later.

    Exit status: 0 fine, 1 something could not be sent (--test, --once), 2 the configuration is not valid, 3 not
    permitted.
    """
    if testing and once:
        raise UsageError("--test sends nothing but a test, and --once what is due: choose one")
    settings = read_settings(config_path)
    host = socket.gethostname()
    keep_capabilities_to_itself()
    if testing:
        context.exit(_test(settings, settings.host or host))
    for doubt in settings.doubts:
        click.echo(f"watchdog-oom: {safe(doubt)}", err=True)
    own_directory(f"{runtime}{OWN}", "runtime", 0o755)
    store = NotifyStore(state)
    try:
        notifier = Notifier(settings, NotifyPlaces(directory, runtime, f"{runtime}{OWN}"), store, host)
        if not once:
            notifier.run()
        left = notifier.once()
    finally:
        store.close()
    if left:
        click.echo(f"watchdog-oom: {count(left, 'message')} could not be sent yet: watchdog-oom status says why",
                   err=True)
        context.exit(EXIT_UNTOLD)


def _test(settings: NotifySettings, host: str) -> int:
    """A line for each target; the exit status."""
    status = 0
    for target in settings.targets:
        now = time.time()
        error = send(target, trial(host, now), host, now, settings.timeout_seconds)
        status = EXIT_UNTOLD if error else status
        click.echo(f"{target.name}: {f'not sent: {safe(error)}' if error else f'sent by {safe(target.program)}'}")
    return status

"""watchdog-oom, the administrator's command: the entry point; one file per subcommand."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from watchdog_oom import __version__
from watchdog_oom.cli.summaries import SummarizedGroup
from watchdog_oom.errors import FAILED_EXIT_STATUS, NotPermittedError, PolicyError, WatchdogError, place_of

EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
EXIT_READER_GONE = 141  # 128 + SIGPIPE
_GARBAGE_AFTER = 50_000  # objects: what a page is made of is no garbage, and looking for some took a tenth of the time
_HOST_IN_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
                    errno.EAGAIN)
COMMANDS: Mapping[str, str] = {  # name -> module, which is imported only when the command is asked for
    "init": "watchdog_oom.cli.init",
    "check": "watchdog_oom.cli.check.command",
    "plan": "watchdog_oom.cli.plan.command",
    "status": "watchdog_oom.cli.status.command",
    "audit": "watchdog_oom.cli.audit.command",
    "test": "watchdog_oom.cli.policy_test.command",
    "top": "watchdog_oom.cli.top",
    "record": "watchdog_oom.cli.record",
    "replay": "watchdog_oom.cli.replay",
    "diagnose": "watchdog_oom.cli.diagnose.command",
    "notify": "watchdog_oom.cli.notify.command",
    "report": "watchdog_oom.cli.report.command",
    "metrics": "watchdog_oom.cli.metrics.command",
    "export": "watchdog_oom.cli.export.command",
    "schema": "watchdog_oom.cli.schema",
    "pause": "watchdog_oom.cli.control.pause",
    "resume": "watchdog_oom.cli.control.pause",
    "rearm": "watchdog_oom.cli.control.rearm",
    "run": "watchdog_oom.cli.control.run",
    "reload": "watchdog_oom.cli.control.reload",
}


class FrontDoor(SummarizedGroup):
    """Finds the subcommands, and turns every error into a message and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name]), cmd_name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str],
                        ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from watchdog_oom.policy.names import nearest
            ctx.fail(f'there is no command "{args[0]}"{nearest(args[0], COMMANDS)}')
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(EXIT_INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes words and an exit status
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                with open(os.devnull, "wb") as nowhere:  # the reader closed the pipe
                    os.dup2(nowhere.fileno(), sys.stdout.fileno())
                ctx.exit(EXIT_READER_GONE)
            if ctx.params.get("debug"):
                import traceback
                traceback.print_exc()
            for line in error_lines(error):
                click.echo(line, err=True)
            ctx.exit(exit_status(error))


@click.group(cls=FrontDoor, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="watchdog-oom", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error, for a bug report.")
def cli(debug: bool) -> None:
    """Check a policy, see what it does on this host, inspect the running watchdog-oomd, and steer it.

    \b
    A new policy:         watchdog-oom check mail.toml     is it valid, and what does it match here?
                          watchdog-oom plan mail.toml      what would it do now, and why?
    The running daemon:   watchdog-oom status --watch      is all well?
                          watchdog-oom audit --since 8h    what did it do in the night, and why?
    The kernel's kills:   watchdog-oom diagnose --journal  what was short, and who held it?
    Maintenance:          watchdog-oom pause --all --for 2h --why "new database"

    \b
    Exit status: 0 fine, 1 found something, 2 wrong usage or invalid policy,
                 3 not permitted, 4 the daemon is not running, 70 the command itself failed.
    """


def error_lines(error: Exception) -> list[str]:
    """The lines that report an error. Faults of a policy have no prefix, so that editors and grep understand them."""
    from watchdog_oom.cli.output import safe
    if isinstance(error, PolicyError):
        count = len(error.faults)
        return [*(safe(str(fault)) for fault in error.faults),
                f"watchdog-oom: not valid: {count} fault{'' if count == 1 else 's'}"]
    if isinstance(error, WatchdogError):
        return [f"watchdog-oom: {safe(line)}" for line in str(error).splitlines()]
    if isinstance(error, PermissionError):
        return [f"watchdog-oom: {safe(str(error.filename))}: {error.strerror}; run this as root"]
    if isinstance(error, OSError) and error.errno in _HOST_IN_TROUBLE:
        where = f"{safe(str(error.filename))}: " if error.filename else ""
        return [f"watchdog-oom: cannot go on: {where}{error.strerror} ({place_of(error)})"]
    told = "; ".join(str(error).splitlines())
    return [safe(f"watchdog-oom: an internal error: {type(error).__name__}: {told} ({place_of(error)}); "
                 f"watchdog-oom --debug shows more")]


def exit_status(error: Exception) -> int:
    if isinstance(error, WatchdogError):
        return error.exit_status
    return NotPermittedError.exit_status if isinstance(error, PermissionError) else FAILED_EXIT_STATUS


def main() -> None:
    """The entry point. Characters that the terminal cannot show are escaped; without standard output or error, what
    would go there goes nowhere."""
    from watchdog_oom.daemon.console import fill_standard_descriptors
    gc.set_threshold(_GARBAGE_AFTER)
    fill_standard_descriptors()
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - for as long as the command runs
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    try:
        cli(prog_name="watchdog-oom")
    except OSError as error:  # help and versions are shown before a command is invoked
        for line in error_lines(error):
            click.echo(line, err=True)
        sys.exit(exit_status(error))
    finally:
        gc.freeze()  # whatever is there goes with the process: to look for garbage in it took a tenth of the time

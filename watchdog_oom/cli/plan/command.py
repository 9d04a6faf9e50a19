"""``watchdog-oom plan``: what the policy would do on this host now, and why or why not. Nothing is done."""

from __future__ import annotations

import os
import time

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.daemon_status import read_status, unwritten_words
from watchdog_oom.cli.host_view import look
from watchdog_oom.cli.loaded import load
from watchdog_oom.cli.output import show, show_json
from watchdog_oom.cli.plan.page import page_of
from watchdog_oom.cli.process_details import DetailReader
from watchdog_oom.core.decide import remembered
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.pause import in_force
from watchdog_oom.core.view import View
from watchdog_oom.daemon import state_file
from watchdog_oom.errors import WatchdogError
from watchdog_oom.explain.left_out import left_out_words
from watchdog_oom.explain.not_yet import not_yet_words
from watchdog_oom.explain.rehearsal import rehearse
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import replace

EXIT_ACTS = 1


@click.command(short_help="What would be done here now, and why or why not.")
@options.policy_paths
@options.policies
@options.config
@options.state
@options.runtime
@options.as_json
@options.proc
@click.option("--explain", "pid", type=click.IntRange(1), metavar="PID",
              help="Which nouns and rules are about this process, and why the others are not.")
@click.pass_context
def plan(context: click.Context, paths: tuple[str, ...], directories: tuple[str, ...], config_path: str | None,
         state: str, runtime: str, as_json: bool, proc: str, pid: int | None) -> None:
    """Show what the policy would do on this host now, and why or why not.

    PATH is a policy file or a directory of them; without PATH, the installed policy is used. Every "for" counts as
    already passed. Nothing is done, and nothing is written.

    Exit status: 0 nothing would be done, 1 something would be done now, 2 the policy is not valid.
    """
    loaded = load(paths, directories, config_path)
    host = look(loaded.policy, loaded.config, proc, runtime)
    history, notes = _history(state, host.snapshot.boot_id)
    if pid is not None:
        _explain(View(remembered(host.snapshot, history), loaded.policy), pid, as_json=as_json)
        return
    budget = Budget(loaded.config.kills_per_minute, loaded.config.purge_entries)
    rehearsal = rehearse(host.snapshot, loaded.policy, history, budget)
    details = DetailReader(proc)
    paused = (f"{rule}: {pause.words}" for rule, pause in history.pauses.items())
    told = (*loaded.notes, *map(str, loaded.warnings), *left_out_words(rehearsal.view),
            *not_yet_words(rehearsal.view), *notes, *paused, *host.unread, *_unwritten(runtime))
    if as_json:
        from watchdog_oom.cli.plan.as_json import to_plain  # it brings the journal's words
        show_json(to_plain(rehearsal, host, told, details))
    else:
        show(page_of(rehearsal, told, details))
    context.exit(EXIT_ACTS if rehearsal.acts else 0)


def _explain(view: View, pid: int, *, as_json: bool) -> None:
    from watchdog_oom.cli.plan.explain import explain_page, explain_plain, explained  # only who asks pays
    report = explained(view, pid)
    if as_json:
        show_json(explain_plain(report))
    else:
        show(explain_page(report, view.snapshot))


def _unwritten(runtime: str) -> tuple[str, ...]:
    """What the running daemon, if there is one, could not write."""
    try:
        protected = read_status(runtime).status.get("protected")
    except WatchdogError:
        return ()
    return tuple(f"the daemon says: {line}" for line in unwritten_words(protected or ()))


def _history(state: str, boot_id: str) -> tuple[History, tuple[str, ...]]:
    """What the daemon has stored about its recoveries: attempts, cooldowns, holds, services still to be started; and
    when cleanings are due."""
    try:
        os.close(os.open(f"{state}/{state_file.NAME}", os.O_RDONLY | os.O_CLOEXEC))
    except PermissionError:
        return History(), (f"{printable(state)} may not be read by this user: attempts and cooldowns are not known",)
    except OSError:
        return History(), ()
    left = state_file.restore(state, boot_id, History())
    # What a running recovery has stopped does not cause another run.
    recoveries = {name: replace(recovery, owed=(), owed_triggers=()) if name in left.unclosed else recovery
                  for name, recovery in left.history.recoveries.items()}
    pauses = in_force(left.history.pauses, time.clock_gettime(time.CLOCK_BOOTTIME))
    return replace(History(), recoveries=recoveries, cleans=left.history.cleans, descent=left.history.descent,
                   pauses=pauses), ()

"""``watchdog-oom check``: is the policy valid, what does each noun match on this host, what is a likely mistake."""

from __future__ import annotations

import click

from watchdog_oom import formatting
from watchdog_oom.cli import options
from watchdog_oom.cli.check.around import Around, look_around
from watchdog_oom.cli.check.lint import lint
from watchdog_oom.cli.check.lint_host import lint_host
from watchdog_oom.cli.check.service_ports import probe_hints
from watchdog_oom.cli.check.touched import touched_hints
from watchdog_oom.cli.check.warned import Warned
from watchdog_oom.cli.host_view import HostView, look
from watchdog_oom.cli.loaded import LoadedPolicy, Places, load
from watchdog_oom.cli.logins import show_host
from watchdog_oom.cli.output import Page, show, show_json
from watchdog_oom.cli.process_details import listens_column, listens_on, terminal_column
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Process, ServiceState
from watchdog_oom.core.policy import Clean, Hours, Mode, Policy
from watchdog_oom.core.rules.clean import rule_of
from watchdog_oom.core.view import View
from watchdog_oom.errors import Fault, PolicyError
from watchdog_oom.explain.by_exe_alone import by_exe_alone_words
from watchdog_oom.explain.left_out import left_out_words
from watchdog_oom.explain.not_yet import not_yet_words
from watchdog_oom.explain.rehearsal import rehearse
from watchdog_oom.formatting import printable

EXIT_WARNINGS = 1
MOST_ROWS = 20


@click.command(short_help="Is the policy valid, and what does it match here?")
@options.policy_paths
@options.policies
@options.config
@click.option("--no-host", is_flag=True, help="Check the files only; do not read this host.")
@options.as_json
@options.proc
@click.pass_context
def check(context: click.Context, paths: tuple[str, ...], directories: tuple[str, ...], config_path: str | None,
          no_host: bool, as_json: bool, proc: str) -> None:
    """Validate policies, show what they match on this host, and warn about likely mistakes.

    PATH is a policy file or a directory of them; without PATH, the installed policy is checked, or the built-in one
    if none is installed.

    Exit status: 0 no warnings, 1 there are warnings, 2 the policy is not valid.
    """
    try:
        loaded = load(paths, directories, config_path)
    except PolicyError as error:
        if as_json:
            from watchdog_oom.cli.check.as_json import invalid
            show_json(invalid(error))
            context.exit(error.exit_status)
        raise
    host = None if no_host else look(loaded.policy, loaded.config, proc, ranked=as_json)
    warnings = warnings_of(loaded, host)
    around = None if host is None else look_around(host, View(host.snapshot, loaded.policy))
    if as_json:
        from watchdog_oom.cli.check.as_json import to_plain  # it brings the journal's words
        show_json(to_plain(loaded, around, _notes(loaded, around), warnings))
    else:
        show(_page(loaded, around, warnings))
    context.exit(EXIT_WARNINGS if warnings else 0)


def warnings_of(loaded: LoadedPolicy, host: HostView | None) -> tuple[Fault, ...]:
    """Every warning at its line, each once, in the order of the files."""
    found: list[Warned] = list(lint(loaded.policy, loaded.values))
    if host is not None:
        budget = Budget(loaded.config.kills_per_minute, loaded.config.purge_entries)
        found.extend(lint_host(host, rehearse(host.snapshot, loaded.policy, History(), budget), loaded.values))
    places = Places(loaded.policy.sources)
    return tuple(sorted({*loaded.warnings, *(places.fault(path, what) for path, what in found)}))


def _notes(loaded: LoadedPolicy, around: Around | None) -> tuple[str, ...]:
    """Information that is not a warning."""
    off = () if loaded.config.recorder_enabled else (
        "the flight recorder is off: what happens in the night is in the journal alone",)
    if around is None:
        return (*loaded.notes, *off)
    view = around.view
    spools = [(view.policy.spools[name], state) for name, state in view.snapshot.spools.items()]
    links = (f'exe "{path}" is a link to {real}, which matches as well'
             for path, real in loaded.values["links"].items())
    hints = (*links, *probe_hints(view, around.ports), *touched_hints(spools, view.snapshot.clock))
    return (*loaded.notes, *off, *left_out_words(view), *not_yet_words(view), *by_exe_alone_words(view.policy), *hints,
            *around.host.unread)


def _page(loaded: LoadedPolicy, around: Around | None, warnings: tuple[Fault, ...]) -> Page:
    page = Page()
    _summary(page, loaded.policy)
    if around is not None:
        show_host(page, around.booted, around.logins, around.host.snapshot.clock.wall)
        _processes(page, around)
        _spools(page, around.view)
        _services(page, around)
    notes = _notes(loaded, around)
    if notes:
        page.title("Notes")
    for note in notes:
        page.line(note, indent=1)
    if warnings:
        page.title(f"{len(warnings)} warning{'' if len(warnings) == 1 else 's'}")
    for warning in warnings:
        place = f"{warning.file}:{warning.line}: " if warning.line else f"{warning.file}: "
        page.line((place, "dim"), (warning.where, "yellow"), f"{warning.where and ': '}{warning.what}", indent=1)
    page.line()
    page.line(("valid, with warnings", "yellow") if warnings else ("valid", "green"))
    return page


def _summary(page: Page, policy: Policy) -> None:
    page.title(policy.description or "A policy without a description")
    for source in policy.sources:
        page.line(printable(source), indent=1)
    counts = ((len(policy.processes), "process"), (len(policy.spools), "spool"), (len(policy.services), "service"))
    page.line("nouns: ", ", ".join(f"{count} {kind}" for count, kind in counts), indent=1)
    rules = ((len(policy.protects), "protect"), (len(policy.limits), "limit"), (len(policy.recovers), "recover"),
             (len(policy.cleans), "clean"))
    page.line("rules: ", ", ".join(f"{count} {kind}" for count, kind in rules),
              f", emergency ({policy.emergency.mode})", indent=1)


def _processes(page: Page, around: Around) -> None:
    view = around.view
    if view.policy.processes:
        page.title("Processes")
    for noun in view.policy.processes:
        group = view.matching(noun)
        count = f"{len(group)} process{'' if len(group) == 1 else 'es'}" if group else "nothing"
        page.line((noun, "bold"), " matches ", (count, "" if group else "yellow"), indent=1)
        if group:
            rows = [_row(around, around.host.describable(process)) for process in group[:MOST_ROWS]]
            page.table(("PID", "USER", "TTY", "MEMORY", "AGE", "UNIT", "LISTENS", "NAME"), rows, right=(0, 3, 4),
                       indent=2)
        if len(group) > MOST_ROWS:
            page.line(f"and {len(group) - MOST_ROWS} more", indent=2)


def _row(around: Around, process: Process) -> tuple[str, ...]:
    facts, known = process.facts, around.details.of(process)
    user = facts.user or (str(facts.uid) if facts.uid is not None else "?")
    return (str(process.pid), printable(user), terminal_column(known), formatting.size(process.rss_bytes),
            formatting.duration(process.age_seconds(around.host.snapshot.clock)),
            printable(facts.user_unit or facts.unit or "-"), listens_column(known), printable(process.comm))


def _spools(page: Page, view: View) -> None:
    if view.snapshot.spools:
        page.title("Spools")
    for name, state in view.snapshot.spools.items():
        bound, gaps = "" if state.complete else "at least ", f" ({state.gaps})" if state.gaps else ""
        told = (f"{bound}{state.entries} entries, {state.stale} of them stale, {formatting.size(state.size_bytes)}, "
                f"the oldest {formatting.duration(state.oldest_seconds)}{gaps}")
        path = printable(view.policy.spools[name].path)
        found = f"refused: {state.problem}" if state.problem is not None else f"{path}: {told}"
        page.line((name, "bold"), "  ", (found, "yellow" if state.problem is not None else ""), indent=1)
        for clean in view.policy.cleans.values():
            if clean.spool == name:
                page.line(_cleaned(clean), indent=2)


def _cleaned(clean: Clean) -> str:
    hours = "" if clean.hours == Hours() else f", begun within {clean.hours}"
    observed = "  (only observes)" if clean.mode is Mode.OBSERVE else ""
    return f"cleaned every {formatting.duration(clean.every_seconds)}{hours}  [{rule_of(clean)}]{observed}"


def _services(page: Page, around: Around) -> None:
    view = around.view
    if view.snapshot.services:
        page.title("Services")
    for name, state in view.snapshot.services.items():
        told = f" ({state.words})" if state.words and state.words != state.status else ""
        page.line((name, "bold"), f"  {state.unit} is {state.status}{told}", _holds(state), _ports(around, name),
                  indent=1)


def _holds(state: ServiceState) -> str:
    """What the service holds, where a clause asks."""
    held = state.memory.held_bytes if state.memory is not None else None
    return f", holds {formatting.size(held)}" if held is not None else ""


def _ports(around: Around, name: str) -> str:
    ports = listens_on(around.ports.get(name, ()))
    return f", {ports}" if ports else ""

"""The section "who" of a first policy: the nouns of what was recognised, each with what was seen of it."""

from __future__ import annotations

from collections.abc import Iterator

from watchdog_oom import formatting
from watchdog_oom.cli.init.known import KnownSpool, Treatment
from watchdog_oom.cli.init.nouns import worker_selectors
from watchdog_oom.cli.init.part import Software
from watchdog_oom.cli.init.proposals import seen_now
from watchdog_oom.cli.init.toml_text import comment, quoted, table
from watchdog_oom.core.model import SpoolState


def who(part: Software) -> Iterator[str]:
    """Its nouns, with what its own settings can do, which comes first."""
    known = part.each.known
    yield from comment(f"{known.title}: {seen_now(part.each.processes)}.")
    if known.own:
        yield from comment(f"Its own settings come first: {known.own}.")
    if not part.keys:
        yield from comment("Its processes could not be told from others by program, unit or user: say here who they "
                           "are.")
        yield ""
    elif not part.each.processes:
        yield from comment("It is installed and does not run at the moment, so check says that it matches nothing.")
    if any(process.own_users for process in part.each.processes):
        yield from comment("Its unit has users of its own (PrivateUsers=), so the noun has to say that it means them.")
    if part.keys:
        yield from table(f"process.{part.name}", part.keys)
    if part.has_workers:
        if known.master:
            whose = [pair for pair in part.keys if pair[0] != "cmdline"]
            yield from table(f"process.{part.name}_master", [*whose, ("cmdline", quoted(known.master))])
        yield from table(f"process.{part.name}_worker", worker_selectors(part.each), note="what it started")
    for service in part.services:
        probe = [("probe", service.probe)] if service.probe else []
        yield from table(f"service.{service.name}",
                         [("unit", quoted(service.unit)), ("stable_for", '"5s"'), *probe])
    for spool, path, state in part.spools:
        yield from _spool(spool, path, state)


def _spool(spool: KnownSpool, path: str, state: SpoolState) -> Iterator[str]:
    bound = "" if state.complete else "at least "
    yield from comment(f"{path}: {spool.why}. Entries now: {bound}{state.entries}, older than {spool.stale_after}: "
                       f"{bound}{state.stale}, in all {formatting.size(state.size_bytes)}.")
    if spool.then is Treatment.NEVER:
        yield from comment("Nothing here is ever cleared by this policy.")
        yield ""
    elif state.problem is not None:
        yield from comment(f"It is refused, so nothing here would be cleared: {state.problem}.")
        yield ""
    else:
        yield from table(f"spool.{spool.name}", [("path", quoted(path)), ("entries", quoted(spool.entries)),
                                                 ("stale_after", quoted(spool.stale_after))])

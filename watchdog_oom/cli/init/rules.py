"""The rules of a first policy for one recognised software. None of them acts: limits report, the others observe."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from watchdog_oom.cli.init.host_facts import SeenHost
from watchdog_oom.cli.init.known import Role, Treatment
from watchdog_oom.cli.init.nouns import ProposedService, worker_selectors
from watchdog_oom.cli.init.part import Software
from watchdog_oom.cli.init.proposals import job_limit, rss_limit, seen_now
from watchdog_oom.cli.init.toml_text import comment, quoted, table

ENOUGH_MEMORY = "15%"
LEAST_LEFTOVERS = 20
WEDGED_LEFTOVERS = 100
_GROUP = "50%"
_SHORT = 'memory_available_below = "10%", swap_free_below = "15%"'
_OBSERVED = ("mode", '"observe"')


def protection(part: Software) -> Iterator[str]:
    """Never chosen by a rule; the score is a comment, since it would change something on the host."""
    known = part.each.known
    if known.role is not Role.KEEP or not part.keys:
        return
    noun = f"{part.name}_master" if known.master else part.name
    yield from _compact(f"protect.{part.name}", [("process", quoted(noun))])
    if known.score is not None:
        yield f"# oom_score_adj = {known.score}".ljust(31) + " # and the kernel's OOM killer spares it as well"
    if known.score is not None and known.children:
        yield f"# children = {quoted(known.children)}".ljust(31) + " # its own processes are its children"
    yield ""


def limit(part: Software, facts: SeenHost) -> Iterator[str]:
    """What is reported now, and would be ended later."""
    if not part.limited:
        return
    known = part.each.known
    those = part.workers if part.has_workers else part.each.processes
    if known.role is Role.JOB and known.rss:
        wanted, why = job_limit(known.rss, facts.memory), seen_now(those)
    elif not those or (part.has_workers and worker_selectors(part.each)[0][0] != "exe"):
        wanted, why = _GROUP, seen_now(those)  # whatever it starts may be of any size
    else:
        wanted, why = rss_limit(those, facts.memory)
    together = wanted == _GROUP or known.rss.endswith("%")
    what = "what it starts" if part.has_workers else "all together" if together else "each"
    yield from comment(f"{known.title}, {what}: {why}.")
    runtime = [("runtime", quoted(known.runtime))] if known.runtime else []
    yield from _compact(f"limit.{part.limited}", [
        ("process", quoted(part.limited)), ("total_rss" if together else "rss", quoted(wanted)), *runtime,
        ("for", '"10s"'), ("grace", '"30s"'), ("then", '"report"')])
    yield ""


def recoveries(part: Software, nouns: Container[str]) -> Iterator[str]:
    """Started again when it failed; leftovers cleared; stopped, cleared and started where that is known to help.
    ``nouns`` are all process nouns of the policy."""
    for service in part.services:
        yield from _started_again(part, service)
    for spool, path, _ in part.cleared:
        if spool.then is Treatment.LEFTOVERS:
            yield from comment(f"{path}: all that lies there is read again at each run; nothing has to be stopped to "
                               "clear it.")
            yield from table(f"recover.{spool.name}", [
                ("when", f"[{{ spool = {quoted(spool.name)}, stale_above = {LEAST_LEFTOVERS} }}]"),
                ("steps", f"[{{ purge = {quoted(spool.name)} }}]"), ("verify", "false"), _OBSERVED])
            if part.each.known.repair in nouns and part.services:
                yield from _repair(part, part.services[0], spool.name)


def _started_again(part: Software, service: ProposedService) -> Iterator[str]:
    known = part.each.known
    enough = f'memory_available_above = "{ENOUGH_MEMORY}"'
    clauses = [f"{{ service = {quoted(service.name)}, failed = true, {enough}, for = \"30s\" }}"]
    if part.keys and not known.workers and known.children != "inherit":  # of others the kernel may end just a child
        clauses.append(f"{{ kernel_oom_kill = {quoted(part.name)}, {enough}, for = \"5s\" }}")
    within = f", within = {quoted(known.start_within)}" if known.start_within else ""
    yield from table(f"recover.{service.name}", [
        ("when", _lines(clauses)),
        ("steps", f"[{{ start = {quoted(service.name)}{within} }}, {{ verify = {quoted(service.name)} }}]"),
        _OBSERVED])


def _repair(part: Software, service: ProposedService, spool: str) -> Iterator[str]:
    """What an administrator does by hand when its helpers hang on what was left."""
    survivors = part.each.known.repair
    many = f'spool = "{spool}", stale_above = {WEDGED_LEFTOVERS}'
    yield from comment(f"When {survivors} processes hang: they survive a stop of the service, and hang again after its "
                       "start unless the leftovers are cleared before.")
    yield from table(f"recover.{part.name}_hangs", [
        ("when", _lines([
            f'{{ {many}, process = "{survivors}", count_above = 4, for = "5min" }}',
            f'{{ {_SHORT}, process = "{survivors}", count_above = 1, for = "15s" }}'])),
        ("steps", _lines([f"{{ stop = {quoted(service.name)} }}", f"{{ kill = {quoted(survivors)} }}",
                          f"{{ purge = {quoted(spool)} }}", '{ start = "stopped" }',
                          f"{{ verify = {quoted(service.name)} }}"])),
        _OBSERVED])


def cleanings(part: Software) -> Iterator[str]:
    """Routine: nothing is wrong, it only grows."""
    for spool, path, _ in part.cleared:
        if spool.then is Treatment.CLEAN:
            yield from comment(f"{path}: {spool.why}.")
            yield from table(f"clean.{spool.name}", [("spool", quoted(spool.name)), ("every", '"1h"'), _OBSERVED])


def _lines(tables: Iterable[str]) -> str:
    """A list of tables in braces, one a line."""
    return "[\n" + "".join(f"  {one},\n" for one in tables) + "]"


def _compact(header: str, values: list[tuple[str, str]]) -> Iterator[str]:
    """A table without the blank line behind it."""
    yield from (line for line in table(header, values) if line)

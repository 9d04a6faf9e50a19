"""The whole text of a first policy. Pure: the same facts give the same text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from watchdog_oom import formatting
from watchdog_oom.cli.init.host_facts import SeenHost, SeenProcess
from watchdog_oom.cli.init.known import Known, Role
from watchdog_oom.cli.init.nouns import core_scripts, core_selectors
from watchdog_oom.cli.init.part import Software, part_of
from watchdog_oom.cli.init.recognise import Recognised, recognise
from watchdog_oom.cli.init.rules import cleanings, limit, protection, recoveries
from watchdog_oom.cli.init.toml_text import comment, listed, literal_glob, quoted, table, writable
from watchdog_oom.cli.init.who import who

MOST_UNKNOWN = 10
LEAST_UNKNOWN_BYTES = 16 << 20
_OURS = "watchdog-"
_RULE = 117


def first_policy(facts: SeenHost, known: Sequence[Known], schema: str) -> str:
    """The text of a policy for this host that only observes; ``schema`` is where editors find the language's schema."""
    found, rest = recognise(facts, known)
    parts = [part_of(each, facts) for each in found if each.known.role is not Role.CORE]
    core = [each for each in found if each.known.role is Role.CORE]
    return "\n".join(_without_double_blanks([
        *_head(facts, parts, schema),
        *_optional("Who", [*_core(core, facts), *(line for part in parts for line in who(part))]),
        *_optional("Who is never chosen",
                   [*_core_protection(core, facts), *(line for part in parts for line in protection(part))]),
        *_optional("What may be taken, at any time: reported now; later write then = \"kill\"",
                   (line for part in parts for line in limit(part, facts))),
        *_optional("Routine cleaning", (line for part in parts for line in cleanings(part))),
        *_optional("What failed is started again", _all_recoveries(parts)),
        *_section("The last resort"), *_emergency(facts, parts),
        *_section("What was not understood"), *_unknown(rest)])).rstrip("\n") + "\n"


def _head(facts: SeenHost, parts: Sequence[Software], schema: str) -> Iterator[str]:
    yield f"#:schema {schema}"
    yield from comment(f"A first policy for {facts.name}, made by `watchdog-oom init` from what runs there. It only "
                       "observes: it ends, stops, starts and deletes nothing, and changes no oom_score_adj. The "
                       "journal says what it would have done (`watchdog-oom audit`). Read each table, then let one "
                       'after the other act: mode = "act", then = "kill", and the lines with oom_score_adj.')
    yield "#"
    yield from comment(f"Seen: {facts.distribution or 'an unknown distribution'}, "
                       f"services by {'systemd' if facts.has_systemd else 'init scripts'}, "
                       f"{formatting.count(len(facts.processes), 'process')}".replace("processs", "processes")
                       + f", {_memory(facts)}.")
    for words in facts.unread:
        yield from comment(f"Note: {words}.")
    yield ""
    titles = ", ".join(dict.fromkeys(part.each.known.title for part in parts if part.each.processes))
    yield f"description = {quoted(f'First policy: {titles}' if titles else 'First policy')}"
    yield ""


def _memory(facts: SeenHost) -> str:
    memory = facts.memory
    if memory is None:
        return "memory that could not be judged"
    swap = (f"{formatting.size(memory.swap_free_bytes)} of {formatting.size(memory.swap_total_bytes)} swap free"
            if memory.swap_total_bytes else "no swap")
    return (f"{formatting.size(memory.available_bytes)} of {formatting.size(memory.total_bytes)} RAM available, {swap}")


def _section(title: str) -> Iterator[str]:
    yield f"# --- {title} ".ljust(_RULE, "-")
    yield ""


def _optional(title: str, lines: Iterable[str]) -> list[str]:
    there = list(lines)
    return [*_section(title), *there] if there else []


def _core(core: Sequence[Recognised], facts: SeenHost) -> Iterator[str]:
    keys = core_selectors(core, facts)
    if keys:
        yield from comment(f"What the host itself needs: {', '.join(each.known.title for each in core)}.")
        yield from table("process.system", keys)
    for each, keys in core_scripts(core, facts):
        yield from comment(f"{each.known.title}: {', '.join(dict.fromkeys(one.comm for one in each.processes))}.")
        yield from table(f"process.{each.name}", keys)


def _core_protection(core: Sequence[Recognised], facts: SeenHost) -> Iterator[str]:
    names = ["system"] if core_selectors(core, facts) else []
    for name in (*names, *(each.name for each, _ in core_scripts(core, facts))):
        yield from table(f"protect.{name}", [("process", quoted(name))])


def _all_recoveries(parts: Sequence[Software]) -> Iterator[str]:
    nouns = {part.name for part in parts if part.keys}
    for part in parts:
        yield from recoveries(part, nouns)


def _emergency(facts: SeenHost, parts: Sequence[Software]) -> Iterator[str]:
    """Observed as well; that is less than the built-in policy does, so it is said."""
    memory = facts.memory
    below = f" Here 8% are {formatting.size(0.08 * memory.userspace_bytes)}." if memory is not None else ""
    swap = " There is no swap, so that threshold is always met." if memory and not memory.swap_total_bytes else ""
    yield from comment('Until this says mode = "act", memory that runs out is left to the kernel\'s OOM killer, which '
                       f"the built-in policy would have come before.{below}{swap}")
    prefer = [part.limited for part in parts if part.limited and (part.has_workers or part.each.known.role is Role.JOB)]
    yield from table("emergency", [("memory_available_below", '"8%"'), ("swap_free_below", '"10%"'),
                                   *([("prefer", _several(prefer))] if prefer else []), ("mode", '"observe"')])


def _several(names: Sequence[str]) -> str:
    return f"[{', '.join(quoted(name) for name in names)}]"


def _unknown(rest: Sequence[SeenProcess]) -> Iterator[str]:
    """The largest of those that no entry of the table names, by program, ready to be made a noun; without our own."""
    groups: dict[tuple[str, str, str], list[SeenProcess]] = {}
    for process in rest:
        if process.pid != 1 and not process.comm.startswith(_OURS):
            groups.setdefault((process.exe or "", process.comm, process.unit or ""), []).append(process)
    large = sorted(((sum(one.rss_bytes for one in group), key) for key, group in groups.items()), reverse=True)
    large = [(total, key) for total, key in large if total >= LEAST_UNKNOWN_BYTES][:MOST_UNKNOWN]
    if not large:
        yield from comment("No process of 16 MiB or more is unknown.")
        return
    yield from comment("The largest processes of which `init` knows nothing. Should one live, or be limited? Make a "
                       "[process.NAME] of it, with these keys.")
    for total, key in large:
        exe, comm, unit = key
        count = len(groups[key])
        keys = [("name", comm)] if not exe else [("exe", exe)]
        keys += [("unit", unit)] if unit else []
        written = ", ".join(f"{name} = {listed([literal_glob(text)])}" for name, text in keys if writable(text))
        yield from comment(f"{formatting.size(total)} in {count} of {comm}: {written}", indent="  ")


def _without_double_blanks(lines: Iterable[str]) -> Iterator[str]:
    before = ""
    for line in lines:
        if line or before:
            yield line
        before = line

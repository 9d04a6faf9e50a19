"""``init --for``: a shipped policy with this host's names in it, made to observe. Its comments stay. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from watchdog_oom.cli.init.host_facts import SeenHost
from watchdog_oom.cli.init.known import Known, Role, matches
from watchdog_oom.cli.init.part import Software, part_of, used_path
from watchdog_oom.cli.init.recognise import recognise
from watchdog_oom.cli.init.toml_text import comment, quoted
from watchdog_oom.core.unit_name import full_name
from watchdog_oom.lean_dataclasses import dataclass

SHIPPED: Mapping[str, str] = {"mail": "mail-server.toml", "web": "web-server.toml", "database": "database.toml",
                              "build": "shared-host.toml"}
_HEADER = re.compile(r"\[([a-z]+)(?:\.[A-Za-z0-9_-]+)?\]")
_KEY = re.compile(r"([a-z_]+)\s*=\s*")
_TEXT = re.compile(r'"([^"\\]*)"')


@dataclass(frozen=True, slots=True)
class _Block:
    """A table of the file: its header, its keys, and the comments and blank lines behind it, which may be about the
    next one. The lines before the first table have no header."""

    table: str
    header: tuple[str, ...]
    body: tuple[str, ...]
    behind: tuple[str, ...]


def started_from(text: str, wanted: str, facts: SeenHost, known: Sequence[Known], schema: str) -> str:
    """The shipped policy's text for this host: units and spools as they are called here, and nothing acts."""
    parts = [part_of(each, facts) for each in recognise(facts, known)[0]]
    head = [f"#:schema {schema}",
            *comment(f"The shipped policy {SHIPPED[wanted]} for {facts.name}, by `watchdog-oom init --for {wanted}`: "
                     "with the names of this host where they were found, and observing only. Later write "
                     'mode = "act", give the limits their then again, and take the lines with oom_score_adj in.'),
            "#", *_also_here(text, parts), ""]
    lines = [line for block in _blocks(text) for line in _observing(block, _Names(parts, facts, known))]
    return "\n".join((*head, *lines)).rstrip("\n") + "\n"


def _blocks(text: str) -> Iterator[_Block]:
    lines = text.splitlines()
    starts = [0, *(number for number, line in enumerate(lines) if _HEADER.match(line)), len(lines)]
    for start, end in pairwise(starts):
        found = _HEADER.match(lines[start])
        body = lines[start + 1:end] if found else lines[start:end]
        last = max((number for number, line in enumerate(body, 1) if line.strip() and not line.startswith("#")),
                   default=0)
        yield _Block(found[1] if found else "", (lines[start],) if found else (), tuple(body[:last]),
                     tuple(body[last:]))


def _observing(block: _Block, names: _Names) -> Iterator[str]:
    body = [names.here(block.table, line) for line in block.body]
    if block.table in ("recover", "clean", "emergency"):
        body = [line for line in body if _key(line) != "mode"] + [_aligned(body, "mode", '"observe"')]
    if block.table == "limit":
        said = next((value[0] for line in body if _key(line) == "then" and (value := _TEXT.search(line))), '"kill"')
        body = [line for line in body if _key(line) != "then"] + [
            _aligned(body, "then", f'"report"  # later: {said}')]
    yield from (*block.header, *body, *block.behind)


def _aligned(body: Sequence[str], key: str, value: str) -> str:
    """A key as the others of its table stand."""
    width = max((line.index("=") for line in body if _key(line)), default=0)
    return f"{key.ljust(width - 1)} = {value}"


def _key(line: str) -> str:
    found = _KEY.match(line)
    return found[1] if found else ""


class _Names:
    """What units and spools of a shipped policy are called on this host."""

    def __init__(self, parts: Sequence[Software], facts: SeenHost, known: Sequence[Known]) -> None:
        self._units = {part.each.known.name: part.services[0].unit for part in parts if part.services}
        self._facts, self._known = facts, known

    def here(self, table: str, line: str) -> str:
        """The line with the name of this host; one that would change a score becomes a comment."""
        key, value = _key(line), _TEXT.search(line)
        if table == "protect" and key in ("oom_score_adj", "children"):
            return f"# {line}"
        there = None
        if value is not None and (table, key) == ("service", "unit"):
            there = self._unit(value[1])
        if value is not None and (table, key) == ("spool", "path"):
            there = self._path(value[1])
        return line.replace(value[0], quoted(there)) if value is not None and there is not None else line

    def _unit(self, unit: str) -> str | None:
        return next((self._units[known.name] for known in self._known
                     if known.name in self._units and matches(known.units, full_name(unit))), None)

    def _path(self, path: str) -> str | None:
        return next((here for known in self._known for spool in known.spools if path in spool.paths
                     if (here := used_path(spool, self._facts)) is not None), None)


def _also_here(text: str, parts: Sequence[Software]) -> Iterator[str]:
    """Software that runs here and that this policy does not speak of, by its programs."""
    others = [part.each.known.title for part in parts
              if part.each.processes and part.each.known.role in (Role.KEEP, Role.WORK)
              and not any(f'"{glob}"' in text for glob in part.each.known.exe)
              and not any(service.unit in text for service in part.services)]
    if others:
        yield from comment(f"Not in it, although it runs here: {', '.join(others)}. `watchdog-oom init` alone has "
                           "tables for that.")

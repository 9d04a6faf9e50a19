"""The nouns of a first policy: by what each recognised process is selected, which service it is, how that is probed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from watchdog_oom.cli.init.host_facts import Listening, SeenHost, SeenProcess
from watchdog_oom.cli.init.known import Known, Role, matches
from watchdog_oom.cli.init.recognise import Recognised, interpreted
from watchdog_oom.cli.init.toml_text import listed, literal_glob, quoted, writable
from watchdog_oom.core.unit_name import full_name, is_unit_name
from watchdog_oom.lean_dataclasses import dataclass, replace

MOST_UNITS = 4
MOST_USERS = 8
MOST_SERVICES = 4
_OWN = ("", "127.0.0.1", "::1")  # the addresses of the host itself, the best first
_Keys = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ProposedService:
    """[service.NAME]; ``probe`` is as written in a policy, or empty."""

    name: str
    unit: str
    probe: str


def selectors(each: Recognised, facts: SeenHost) -> _Keys:
    """The keys of its process noun, as written; none if nothing sure can be said of who it is."""
    known, processes = each.known, each.processes
    if not processes:
        there = [path for path in known.exe if path in facts.installed]
        return [("exe", listed(there)), *([("user", listed(known.users))] if known.users else [])]
    exe = _programs(known, processes)
    keys: _Keys = [("exe", listed(exe))] if exe else []
    where = _place(processes)
    language_only = any(interpreted(process) for process in processes)
    if language_only and (known.cmdline or not where or where[0] == "user"):
        keys += _among_interpreted(known, processes)
    if known.users:
        keys.append(("user", listed(known.users)))
    elif where and (language_only or known.role is not Role.JOB):
        keys.append(where)
    keys += _elsewhere(processes)
    return keys if len(keys) >= (2 if language_only else 1) else []


def worker_selectors(each: Recognised) -> _Keys:
    """Whoever has one of its processes as an ancestor: of its own program, or of any if it starts others' programs."""
    own = [] if any(interpreted(process) for process in each.processes) else _programs(each.known, each.processes)
    apart = _elsewhere(each.processes)
    where = [where] if apart and (where := _place(each.processes)) else []
    return [*([("exe", listed(own))] if own else []), ("parent", quoted(each.name)), *where, *apart]


def workers(each: Recognised, facts: SeenHost) -> tuple[SeenProcess, ...]:
    """Its workers of the moment."""
    parents = {process.pid: process.ppid for process in facts.processes}
    own = {process.pid for process in each.processes}
    same_program = not any(interpreted(process) for process in each.processes)
    return tuple(process for process in (each.processes if same_program else facts.processes)
                 if own & _ancestors(process.pid, parents))


def _ancestors(pid: int, parents: Mapping[int, int]) -> set[int]:
    found: set[int] = set()
    while (parent := parents.get(pid)) is not None and parent not in found:
        found.add(parent)
        pid = parent
    return found

def core_selectors(core: Sequence[Recognised], facts: SeenHost) -> _Keys:
    """What the host itself needs, as one noun: programs that run, and those that come and go."""
    running = [process for each in core for process in each.processes if not interpreted(process)]
    globs = [glob for each in core for glob in each.known.exe
             if any(matches((glob,), process.exe, path=True) for process in running)
             or (each.known.installed and glob in facts.installed)]
    users = _users(running)
    return [("exe", listed(globs)), *([("user", listed(users))] if users else [])] if globs else []


def core_scripts(core: Sequence[Recognised], facts: SeenHost) -> Iterator[tuple[Recognised, _Keys]]:
    """What of it is written in a script language: each a noun of its own, since its program says only which."""
    for each in core:
        scripts = tuple(process for process in each.processes if interpreted(process))
        found = replace(each, processes=scripts)
        if scripts and (keys := selectors(found, facts)):
            yield found, keys


def _programs(known: Known, processes: Sequence[SeenProcess]) -> list[str]:
    """Those globs of the table that match here, for what runs only now and then as well; and interpreters."""
    globs = [glob for glob in known.exe
             if any(matches((glob,), process.exe, path=True) for process in processes)]
    others = {process.exe for process in processes
              if process.exe is not None and writable(process.exe) and process.exe.startswith("/")
              and not matches(known.exe, process.exe, path=True)}
    return [*globs, *(literal_glob(path) for path in sorted(others))]


def _place(processes: Sequence[SeenProcess]) -> tuple[str, str] | None:
    """The services they all run in, else the users who run them all."""
    units = sorted({process.unit or "" for process in processes})
    if "" not in units and len(units) <= MOST_UNITS and all(is_unit_name(unit) for unit in units):
        return "unit", listed(units)
    users = _users(processes)
    return ("user", listed(users)) if users else None


def _elsewhere(processes: Iterable[SeenProcess]) -> _Keys:
    """What a noun needs whose processes are in a user namespace of their unit's own."""
    return [("namespaces", '"any"')] if any(process.own_users for process in processes) else []


def _users(processes: Sequence[SeenProcess]) -> list[str]:
    """Who runs them, if that is known of all and they are few."""
    users = sorted({process.user or "" for process in processes})
    sure = "" not in users and len(users) <= MOST_USERS and all(user.strip() and writable(user) for user in users)
    return users if sure else []


def _among_interpreted(known: Known, processes: Sequence[SeenProcess]) -> _Keys:
    """Whose program says only its language, and whose unit says nothing: by command line or name as well."""
    if known.cmdline and any(process.cmdline for process in processes):
        return [("cmdline", quoted(known.cmdline))]
    names = sorted({process.comm for process in processes})
    if not known.scripts or not all(name.strip() and writable(name) for name in names):
        return []
    return [("name", listed([literal_glob(name) for name in names]))]


def services(each: Recognised, facts: SeenHost) -> tuple[ProposedService, ...]:
    """The services to start again, by the service manager's name; without systemd by their init script."""
    known = each.known
    if known.role not in (Role.KEEP, Role.WORK) or not each.processes:
        return ()
    units = list(_units(each, facts))[:MOST_SERVICES]
    names = [each.name, *(f"{each.name}_{number}" for number in range(2, len(units) + 1))]
    return tuple(ProposedService(name, unit, _probe(known, _ports(each, unit, facts, alone=len(units) == 1)))
                 for name, unit in zip(names, units, strict=False))


def _units(each: Recognised, facts: SeenHost) -> Iterator[str]:
    if facts.has_systemd:
        yield from (unit for unit in each.units if is_unit_name(unit)
                    and (each.known.each_unit or matches(each.known.units, unit)))
    else:
        scripts = sorted(script for script in facts.init_scripts if is_unit_name(script)
                         and matches(each.known.units, full_name(script)))
        yield from scripts[:1]


def _ports(each: Recognised, unit: str, facts: SeenHost, *, alone: bool) -> tuple[Listening, ...]:
    """On what the processes of this unit listen; where it is the only one, all of them."""
    everybody = alone or not facts.has_systemd
    found = {door for process in each.processes if everybody or process.unit == unit for door in process.listens}
    return tuple(sorted(found, key=lambda door: (door.port, door.address)))


def _probe(known: Known, listens: Iterable[Listening]) -> str:
    """A connection to the port that is known of it, with its greeting; else to the first on which it listens."""
    by_port: dict[int, Listening] = {}
    for door in listens:
        here = by_port.get(door.port)
        by_port[door.port] = door if here is None or _nearer(door, here) else here
    within = known.start_within or "90s"
    for port, greeting in known.ports:
        if port in by_port:
            expect = f", expect = {quoted(greeting)}" if greeting else ""
            return f"{{ tcp = {quoted(by_port[port].probe)}{expect}, within = {quoted(_probed_within(within))} }}"
    if not by_port:
        return ""
    first = by_port[min(by_port)]
    return f"{{ tcp = {quoted(first.probe)}, within = {quoted(_probed_within(within))} }}"


def _probed_within(within: str) -> str:
    return "10min" if within == "1h" else within


def _nearer(one: Listening, other: Listening) -> bool:
    """All addresses and the loopback before the address of a network."""
    def distance(door: Listening) -> int:
        return _OWN.index(door.address) if door.address in _OWN else len(_OWN)
    return distance(one) < distance(other)

"""Reads what ``init`` has to know of this host, with the daemon's own readers."""

from __future__ import annotations

import os
import platform
import re
import stat
from collections.abc import Mapping, Sequence

from watchdog_oom.cli.host_view import HostView, look
from watchdog_oom.cli.init.host_facts import Listening, SeenHost, SeenProcess
from watchdog_oom.cli.init.known import Known, matches
from watchdog_oom.cli.init.listening import ports_of, read_listening
from watchdog_oom.cli.init.recognise import interpreted
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import Namespaces, ProcessNoun
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.view import View
from watchdog_oom.daemon.config import Config
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.units import parse_duration

OS_RELEASE = "/etc/os-release"
_ALL, _OWN = "all", "own"
_ANYTHING = (re.compile(".*", re.DOTALL),)


def read_facts(known: Sequence[Known], config: Config, proc: str) -> SeenHost:
    """The host as it is now; nothing is changed, and no reading takes long."""
    paths = {path: (spool.entries, spool.stale_after) for each in known for spool in each.spools
             for path in spool.paths if _is_directory(path)}
    names = {f"spool_{number}": path for number, path in enumerate(paths)}
    policy = _asking(names, paths)
    host = look(policy, config, proc)
    view = View(host.snapshot, policy)
    sockets = read_listening(proc)
    own = {process.pid for process in view.matching(_OWN)}
    seen = (replace(_seen(host, process, proc, sockets), own_users=process.pid not in own)
            for process in view.matching(_ALL))
    processes = tuple(process for process in seen if not process.own_users or _is_service_of(process, known))
    return SeenHost(
        name=platform.node() or "this host", distribution=_distribution(OS_RELEASE),
        has_systemd=host.manager.name == "systemd", memory=host.snapshot.memory,
        processes=tuple(sorted(processes, key=lambda process: process.pid)),
        installed=frozenset(path for each in known if each.installed for path in each.exe if os.path.exists(path)),
        spools={path: host.snapshot.spools[name] for name, path in names.items() if name in host.snapshot.spools},
        init_scripts=_init_scripts(host, config), unread=host.unread)


def _asking(names: dict[str, str], paths: dict[str, tuple[str, str]]) -> Policy:
    """A policy that has everything read: every process and whether it is the host's own, and the known directories."""
    spools = {name: {"path": path, "entries": (paths[path][0],), "stale_after": parse_duration(paths[path][1])}
              for name, path in names.items()}
    policy = build_policy({"spool": spools})
    anybody = ProcessNoun(_ALL, exe=_ANYTHING, namespaces=Namespaces.ANY)
    return replace(policy, processes={_ALL: anybody, _OWN: ProcessNoun(_OWN, exe=_ANYTHING)})


def _is_service_of(process: SeenProcess, known: Sequence[Known]) -> bool:
    """Whether it runs in a unit by a known name: no user and no container chooses that."""
    return any(matches(each.units, process.unit) for each in known)


def _seen(host: HostView, process: Process, proc: str, sockets: Mapping[int, Listening]) -> SeenProcess:
    """The command line is read only of those whose program says nothing but its language."""
    facts = host.describable(process).facts
    seen = SeenProcess(process.pid, process.ppid, process.comm, process.rss_bytes, exe=facts.exe,
                       user=facts.user or (None if facts.uid is None else str(facts.uid)), own_unit=facts.unit)
    if interpreted(seen):
        seen = replace(seen, cmdline=facts.cmdline)
    return replace(seen, listens=ports_of(proc, process.pid, sockets))


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _distribution(path: str) -> str:
    """Its name for people: os-release(5)."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = re.search(r'^PRETTY_NAME="?([^"\n]*)', file.read(65536), re.MULTILINE)
    except OSError:
        return ""
    return found[1] if found else ""


def _init_scripts(host: HostView, config: Config) -> frozenset[str]:
    if host.manager.name == "systemd":
        return frozenset()
    try:
        return frozenset(name for name in os.listdir(config.init_dir) if host.manager.exists(name))
    except OSError:
        return frozenset()

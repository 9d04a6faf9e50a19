"""The ports on which each service listens, from psutil, and the probe that would check them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from watchdog_oom.cli.process_details import DetailReader, Listener, listens_on
from watchdog_oom.core.model import Process, ServiceState, ServiceStatus
from watchdog_oom.core.view import View
from watchdog_oom.host.services.systemd.cgroup import members

Ports: TypeAlias = Mapping[str, tuple[Listener, ...]]


def service_ports(view: View, details: DetailReader) -> Ports:
    """By service noun; without services that are down or have no known process."""
    if not details.this_host:
        return {}
    found = {}
    for name in view.policy.services:
        state = view.snapshot.services.get(name)
        processes = _processes(view, name, state) if state is not None and state.status is ServiceStatus.ACTIVE else ()
        if processes:
            ports = {port for process in processes for port in details.of(process).listens or ()}
            found[name] = tuple(sorted(ports))
    return found


def probe_hints(view: View, ports: Ports) -> Iterator[str]:
    """A hint for each service that could have a probe but has none: only its service manager then says whether it
    works."""
    for name, service in view.policy.services.items():
        tcp = [port for port in ports.get(name, ()) if port.protocol == "tcp"]
        if service.probe is None and tcp:
            host = tcp[0].address or "127.0.0.1"
            address = f"[{host}]" if ":" in host else host
            yield (f"service {name}: has no probe; it {listens_on(ports[name])}, so "
                   f'probe = {{ tcp = "{address}:{tcp[0].port}" }} would check whether it answers')


def _processes(view: View, name: str, state: ServiceState) -> list[Process]:
    """The processes of its control group; without systemd those of the process noun of the same name."""
    pids = {state.main_pid, *members(state.control_group)}
    processes = [process for process in view.snapshot.processes.values() if process.pid in pids]
    if not processes and name in view.policy.processes:
        processes = list(view.matching(name))
    return processes

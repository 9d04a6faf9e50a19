"""All calls made to systemd, and the sockets it is called on (org.freedesktop.systemd1(5))."""

from __future__ import annotations

import os

from watchdog_oom.core.unit_name import full_name
from watchdog_oom.host.services.dbus.events import BusAddress
from watchdog_oom.host.services.dbus.wire import Call
from watchdog_oom.host.services.systemd.unit_properties import unit_path

JOB_REMOVED = "JobRemoved"
_SYSTEMD = "org.freedesktop.systemd1"
_MANAGER = "/org/freedesktop/systemd1"
_MANAGER_INTERFACE = "org.freedesktop.systemd1.Manager"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_BUS = "org.freedesktop.DBus"
# The mode in which jobs are queued: an operator's queued job is never replaced.
_MODE = "fail"


def places(root: str = "/") -> tuple[BusAddress, ...]:
    """The sockets of systemd: the private one, which only root can use and which needs no dbus-daemon; else the system
    bus.

    On its private socket PID 1 does not support Hello, and resets the connection on one.
    """
    match = f"type='signal',interface='{_MANAGER_INTERFACE}',member='{JOB_REMOVED}'"
    hello = Call(_BUS, "/org/freedesktop/DBus", _BUS, "Hello")
    listen = Call(_BUS, "/org/freedesktop/DBus", _BUS, "AddMatch", "s", (match,))
    subscribe = _call("Subscribe")
    return (BusAddress(os.path.join(root, "run/systemd/private"), (subscribe,)),
            BusAddress(os.path.join(root, "run/dbus/system_bus_socket"), (hello, listen, subscribe)))


def get_all(unit: str) -> Call:
    """All properties of a unit, whatever its type is: one call, one moment."""
    return Call(_SYSTEMD, unit_path(unit), _PROPERTIES, "GetAll", "s", ("",))


def job_state(path: str) -> Call:
    """The state of a job; refused as unknown once the job is over."""
    return Call(_SYSTEMD, path, _PROPERTIES, "Get", "ss", (f"{_SYSTEMD}.Job", "State"))


def stop_unit(unit: str) -> Call:
    return _call("StopUnit", "ss", (full_name(unit), _MODE))


def start_unit(unit: str) -> Call:
    return _call("StartUnit", "ss", (full_name(unit), _MODE))


def reset_failed(unit: str) -> Call:
    return _call("ResetFailedUnit", "s", (full_name(unit),))


def bound_memory(unit: str, high_bytes: int, max_bytes: int | None) -> Call:
    """MemoryHigh, and MemoryMax unless ``None``, until the next boot at the latest; UNLIMITED_BYTES is no bound."""
    bounds = {"MemoryHigh": high_bytes} | ({} if max_bytes is None else {"MemoryMax": max_bytes})
    return _call("SetUnitProperties", "sba(sv)",
                 (full_name(unit), True, [(key, ("t", amount)) for key, amount in bounds.items()]))


def _call(member: str, signature: str = "", body: tuple[object, ...] = ()) -> Call:
    return Call(_SYSTEMD, _MANAGER, _MANAGER_INTERFACE, member, signature, body)

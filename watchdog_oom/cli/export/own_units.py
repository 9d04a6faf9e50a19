"""The program's own systemd units, with the paths of this installation in them."""

from __future__ import annotations

import os
import stat
import sys
import sysconfig
from collections.abc import Iterator, Sequence

import click

from watchdog_oom.errors import UsageError, WatchdogError
from watchdog_oom.policy.names import nearest
from watchdog_oom.policy.ownership import read_way

DAEMON_UNIT = "watchdog-oomd.service"
_PROGRAMS = {"/usr/sbin/watchdog-oomd": "watchdog-oomd", "/usr/bin/watchdog-oom": "watchdog-oom"}
_HOMES = ("/home/", "/root/", "/run/user/")
_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PLACES = (os.path.join(_PACKAGE, "units"),  # a wheel
           os.path.join(os.path.dirname(_PACKAGE), "systemd"),  # the source
           "/usr/lib/systemd/system", "/lib/systemd/system")  # a package of the distribution


def own_units(places: Sequence[str] = _PLACES) -> dict[str, str]:
    """The paths of the units that came with this program, by name."""
    for place in places:
        if os.path.isfile(os.path.join(place, DAEMON_UNIT)):
            return {name: os.path.join(place, name) for name in sorted(os.listdir(place))
                    if name.startswith("watchdog-oom") and os.path.isfile(os.path.join(place, name))}
    raise WatchdogError("the unit files did not come with this installation")


def unit_text(name: str, units: dict[str, str], scripts: str) -> str:
    """The unit, starting the programs in the directory ``scripts`` where they are there."""
    if name not in units:
        raise UsageError(f'there is no unit "{name}"{nearest(name, units)}')
    with open(units[name], encoding="utf-8") as file:
        text = file.read()
    for packaged, program in _PROGRAMS.items():
        path = os.path.join(scripts, program)
        if os.path.isfile(path):
            text = text.replace(f"={packaged}", f"={_escaped(path)}")
    return text


def programs_directory() -> str:
    """Where pip or pipx put the programs of this Python."""
    return sysconfig.get_path("scripts") if sys.prefix != sys.base_prefix else os.path.dirname(
        os.path.realpath(sys.argv[0]))


def doubts(scripts: str) -> Iterator[str]:
    """Why root should not run the programs from there."""
    path = os.path.join(scripts, "watchdog-oomd")
    if not os.path.isfile(path):
        return
    if path.startswith(_HOMES):
        yield (f"{path} is in a home directory, which some of the units cannot see (ProtectHome=); install below /opt: "
               "python3 -m venv /opt/watchdog-oom")
    for part in read_way(path):
        if part.uid != 0 or (part.mode & 0o022 and not stat.S_ISLNK(part.mode) and not part.mode & stat.S_ISVTX):
            yield f"{part.path} can be changed by others than root, and root would run what is there"
            return


def show_doubts(scripts: str) -> bool:
    found = tuple(doubts(scripts))
    for doubt in found:
        click.echo(f"watchdog-oom: {doubt}", err=True)
    return bool(found)


def _escaped(path: str) -> str:
    """As systemd.service(5) reads a path: blanks and backslashes would end it, and % and $ begin something."""
    return path.replace("\\", "\\\\").replace(" ", "\\x20").replace("%", "%%").replace("$", "$$")

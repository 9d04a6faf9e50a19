"""The command: spends a night with each of the named contestants, or all, and prints the table of all nights so far."""

from __future__ import annotations

import json
import sys

from bench.incident.contestants import contestants
from bench.incident.mailserver import recipe
from bench.incident.night import Outcome, spend
from bench.table import Table
from tests.vm.host import TOP, alone, build_deb, obstacle
from tests.vm.image import image

NIGHTS = TOP / "build" / "incident"
COLUMNS = ("on guard", "kernel kills", "MariaDB survived", "outage 25", "outage 80", "outage 3306", "delivered",
           "mails stand still", "until the next", "least free swap", "full pressure", "STOP / CONT")


def main(arguments: list[str]) -> int:
    why = obstacle()
    if why is not None:
        raise SystemExit(why)
    everybody = contestants(build_deb())
    unknown = [word for word in arguments if word not in everybody]
    if unknown:
        raise SystemExit(f"{unknown[0]}: no such contestant; there are {', '.join(everybody)}")
    disks = image(recipe())
    for name in arguments or everybody:
        with alone():
            print(f"a night with {name} …", file=sys.stderr, flush=True)
            spend(everybody[name], disks, NIGHTS / name)
    print(table(tuple(everybody)))
    return 0


def table(names: tuple[str, ...]) -> Table:
    """A row for each night that was spent, also in an earlier run."""
    files = [file for name in names if (file := NIGHTS / name / "outcome.json").exists()]
    return Table("incident", COLUMNS, tuple(row(Outcome(**json.loads(file.read_text()))) for file in files), (
        "512 MiB of RAM, 192 MiB of swap, two emulated processors; 45 mails in 90 s, then one every 15 s.",
        "900 s in all, postfix with its own retry times. The control has 2 GiB of RAM and an empty spool.",
        "Full pressure: how much of the time everybody waited for memory, since the first recovery succeeded, if any.",
        "Outages are seconds, seen from outside. \"Mails stand still\": when nothing had arrived for 45 s, since when.",
    ))


def row(night: Outcome) -> tuple[str, ...]:
    """A night in words."""
    since, again = night.wedged_at, night.delivered_again_at
    standstill = "–" if since is None else f"at {since:.0f} s"
    until = "–" if since is None else "never" if again is None else f"{again - since:.0f} s"
    return (night.name, str(len(night.kernel_kills)), "yes" if night.mariadb_survived else "no",
            *(f"{night.outage_seconds[port]:.0f} s" for port in ("25", "80", "3306")),
            f"{night.delivered} of {night.sent}", standstill, until,
            "–" if night.least_swap_free_mib is None else f"{night.least_swap_free_mib} MiB",
            "–" if night.full_pressure_percent is None else f"{night.full_pressure_percent:.1f} %",
            f"{night.stops} / {night.continues}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""bench/starved: how late the daemons themselves are while the machine thrashes with its swap full."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.incident.night import KILL
from bench.table import Table
from bench.vm.contestants import OURS, Contestant
from bench.vm.thrash import LONG_MS, SPARE_MIB, Fared, Task
from tests.vm.guest import Guest
from tests.vm.product import Product

COLUMNS = ("daemon", "rounds", f"of {LONG_MS:.0f} ms and more", "longest ms", "× nohang", "waits for a CPU ms/s",
           "CPU ms/s", "major faults since ready", "own: late ticks", "own: worst late ms")
SETTLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Starved:
    """One daemon: what was seen from outside, and what ours tells of itself."""

    name: str
    fared: Fared
    faults_since_ready: int
    late_ticks: int | None = None
    worst_late_ms: float | None = None
    late: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Thrashing:
    """All daemons at the same time in one guest, and how bad it was."""

    seconds: float
    daemons: tuple[Starved, ...]
    swap_used_percent: float
    swapped_in_mib: float
    kernel_kills: tuple[str, ...]


def spend(guest: Guest, guards: Sequence[Contestant], seconds: float) -> Thrashing:
    """Start them all, observing only, and let the machine thrash."""
    guest.check("swapon -a")
    started = {one.name: _start(guest, one) for one in guards if one.unit}
    guest.check(f"sleep {SETTLE_SECONDS}")
    task = json.dumps(asdict(Task(seconds, {name: pid for name, (pid, _) in started.items()})))
    output = guest.check(f"cd /root && python3 -m bench.vm.thrash '{task}'", seconds + 300)
    result = json.loads(output.splitlines()[-1])
    daemons = tuple(_starved(guest, name, pid, faults, Fared(**result["fared"][name]))
                    for name, (pid, faults) in started.items())
    for one in guards:
        guest.run(f"systemctl stop {one.unit}" if one.unit else "true")
    killed = tuple(KILL.findall(guest.console.read_text(errors="replace")))
    return Thrashing(seconds, daemons, result["swap_used_percent"], result["swapped_in_mib"], killed)


def _start(guest: Guest, one: Contestant) -> tuple[int, int]:
    """Its pid, and its major faults as soon as it is ready (by its own word, where it has one)."""
    guest.check(one.watching)
    said = guest.check(f"systemctl start {one.unit}; pid=$(systemctl show -p MainPID --value {one.unit}); "
                       "echo $pid $(awk '{print $12}' /proc/$pid/stat)")
    pid, faults = said.split()
    return int(pid), int(faults)


def _starved(guest: Guest, name: str, pid: int, faults: int, fared: Fared) -> Starved:
    now = int(guest.check(f"awk '{{print $12}}' /proc/{pid}/stat"))
    if name != OURS:
        return Starved(name, fared, now - faults)
    product = Product(guest)
    health = product.status()["health"]
    late = tuple(f"{record['mono']}: {record['result']}" for record in product.records() if record["kind"] == "late")
    return Starved(name, fared, now - faults, health["late_ticks"], 1000 * health["worst_late_seconds"], late)


def table(thrashing: Thrashing, notes: tuple[str, ...]) -> Table:
    """A row for each daemon."""
    longest = next((one.fared.longest_ms for one in thrashing.daemons if one.name == "nohang"), 0.0)
    how = (f"{thrashing.seconds:.0f} s; {thrashing.swap_used_percent:.0f} % of swap in use (the hogs leave {SPARE_MIB} "
           f"MiB), {thrashing.swapped_in_mib:.1f} MiB/s read back from it; killed by the kernel: "
           f"{', '.join(thrashing.kernel_kills) or 'nobody'}; a hog that is killed is replaced.")
    return Table("starved", COLUMNS, tuple(row(one, longest) for one in thrashing.daemons),
                 (how, *notes))


def row(one: Starved, nohang_ms: float) -> tuple[str, ...]:
    """One daemon in words."""
    fared = one.fared
    ratio = f"{fared.longest_ms / nohang_ms:.2f}" if nohang_ms else "–"
    return (one.name, str(fared.rounds), str(fared.long), f"{fared.longest_ms:.0f}", ratio,
            f"{fared.waited_ms_a_second:.1f}", f"{fared.cpu_ms_a_second:.1f}", str(one.faults_since_ready),
            "–" if one.late_ticks is None else str(one.late_ticks),
            "–" if one.worst_late_ms is None else f"{one.worst_late_ms:.0f}")

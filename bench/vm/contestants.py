"""The daemons that are raced: all in one image, none started at boot, all given the same thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.vm.guest import Guest
from tests.vm.host import TOP, install_deb
from tests.vm.image import Recipe

PEERS = ("earlyoom", "nohang")
OURS = "watchdog-oom"
MEMORY_MIB = 36
SWAP_PERCENT = 10.0
GUEST_PROGRAMS = ("__init__.py", "vm/__init__.py", "vm/hog.py", "vm/kernel_trace.py", "vm/referee.py", "vm/thrash.py")
_PAUSE_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Contestant:
    """A daemon: its unit, and the commands that tell it the thresholds, for a race and for being starved."""

    name: str
    unit: str
    armed: str
    watching: str


def contestants() -> dict[str, Contestant]:
    """By name, in the order of the tables. TERM below the thresholds, KILL below half of them; to be starved, they
    look as ever and do nothing."""
    everybody = (
        Contestant("none", "", "true", "true"),
        Contestant("earlyoom", "earlyoom", _earlyoom(f"-M {MEMORY_MIB << 10} -s {SWAP_PERCENT:g}"),
                   _earlyoom("--dryrun")),
        Contestant("nohang", "nohang", _nohang(f"{MEMORY_MIB} M", f"{MEMORY_MIB // 2} M"), _nohang("0 M", "0 M")),
        Contestant(OURS, "watchdog-oomd", _ours("act"), _ours("observe")),
    )
    return {one.name: one for one in everybody}


def recipe() -> Recipe:
    """The machine of both benchmarks: the peers are installed, and nothing of them runs."""
    units = " ".join(f"{unit}.service" for unit in (*PEERS, "nohang-desktop"))
    return Recipe(
        name="bench",
        packages=PEERS,
        hooks=(f"for unit in {units}; do chroot \"$1\" systemctl disable $unit || true; done",),
    )


def install(guest: Guest, deb: Path) -> None:
    """Our package, and the programs of the benchmarks that run in the guest."""
    install_deb(guest, deb)
    guest.check("systemctl stop watchdog-oomd", 300)
    guest.check("mkdir -p /root/bench/vm")
    for name in GUEST_PROGRAMS:
        guest.put(TOP / "bench" / name, f"/root/bench/{name}")


def start(guest: Guest, one: Contestant, configure: str) -> int:
    """Configure and start it, and let it settle; its pid, 0 for nobody."""
    guest.check(configure)
    if not one.unit:
        return 0
    guest.check(f"systemctl start {one.unit}; sleep {_PAUSE_SECONDS}; systemctl is-active {one.unit}")
    return int(guest.check(f"systemctl show -p MainPID --value {one.unit}"))


def versions(guest: Guest) -> str:
    """The packages that took part."""
    said = guest.check("uname -sr; dpkg-query -W -f '${Package} ${Version}\\n' earlyoom nohang watchdog-oom")
    return ", ".join(said.splitlines())


def _earlyoom(options: str) -> str:
    return f"echo 'EARLYOOM_ARGS=\"-r 3600 {options}\"' > /etc/default/earlyoom"


def _nohang(soft: str, hard: str) -> str:
    swap = [f"{SWAP_PERCENT:g} %", f"{SWAP_PERCENT / 2:g} %"] if soft != "0 M" else ["0 %", "0 %"]
    values = {"soft_threshold_min_mem": soft, "hard_threshold_min_mem": hard,
              "soft_threshold_min_swap": swap[0], "hard_threshold_min_swap": swap[1]}
    edits = " ".join(f"-e 's/^{key} *=.*/{key} = {value}/'" for key, value in values.items())
    return f"sed -i {edits} /etc/nohang/nohang.conf"


def _ours(mode: str) -> str:
    policy = (f"[emergency]\\nmemory_available_below = \"{MEMORY_MIB}MiB\"\\n"
              f"swap_free_below = \"{SWAP_PERCENT:g}%\"\\nmode = \"{mode}\"\\n")
    return f"printf '%b' '{policy}' > /etc/watchdog-oom/policies.d/bench.toml"

"""bench/reaction: how long from the threshold to the signal and to the memory being back, with whom on guard."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from bench.table import Table, spread
from bench.vm.contestants import MEMORY_MIB, SWAP_PERCENT, Contestant, start
from bench.vm.referee import Race, Task
from tests.vm.guest import Guest

SPEEDS_MIB = (50, 200, 1000, 0)
RACE_SECONDS = 30.0
COLUMNS = ("swap", "hog MiB/s", "took MiB/s", "on guard", "races", "→ signal ms", "− earlyoom",
           "of it awake ms", "→ back ms", "least left MiB", "kernel kills", "wrong victims")
Races = dict[str, list[Race]]


def spend(guest: Guest, guards: Sequence[Contestant], speeds_mib: Sequence[int], races: int) -> Races:
    """All races of one guest: with and without swap, each guard in turn. Keys are those of ``key``."""
    answers: Races = {}
    for swap in ("swapoff -a", "swapon -a"):
        guest.check(swap)
        for one in guards:
            for race in _run(guest, one, speeds_mib, races):
                answers.setdefault(key(one.name, swap == "swapon -a", race.speed_mib), []).append(race)
    return answers


def key(name: str, swap: bool, speed_mib: int) -> str:
    return f"{name} {'swap' if swap else 'no'} {speed_mib}"


def _run(guest: Guest, one: Contestant, speeds_mib: Sequence[int], races: int) -> list[Race]:
    pid = start(guest, one, one.armed)
    task = json.dumps(asdict(Task(tuple(speeds_mib), races, MEMORY_MIB, SWAP_PERCENT, pid)))
    count = len(speeds_mib) * races
    output = guest.check(f"cd /root && python3 -m bench.vm.referee '{task}'", 60 + count * RACE_SECONDS)
    if one.unit:
        guest.check(f"systemctl stop {one.unit}")
    found = [Race(**json.loads(line)) for line in output.splitlines() if line.startswith("{")]
    if len(found) != count:
        raise SystemExit(f"{one.name}: {len(found)} of {count} races: {output[-2000:]}")
    print(f"  {one.name}: {count} races", file=sys.stderr, flush=True)
    return found


def together(earlier: Races, later: Races) -> Races:
    """The races of both."""
    return {key: [*earlier.get(key, []), *later.get(key, [])] for key in {**earlier, **later}}


def table(answers: Races, guards: Iterable[str], notes: tuple[str, ...]) -> Table:
    """A row for each hog and guard."""
    rows = [row(swap, speed, name, answers[key(name, swap, speed)], answers.get(key("earlyoom", swap, speed), []))
            for swap in (False, True) for speed in SPEEDS_MIB for name in guards if key(name, swap, speed) in answers]
    return Table("reaction", COLUMNS, tuple(rows), notes)


def row(swap: bool, speed_mib: int, name: str, races: Sequence[Race], peers: Sequence[Race]) -> tuple[str, ...]:
    """One hog against one guard, in words."""
    reactions, others = reactions_ms(races), reactions_ms(peers)
    took = statistics.median(race.rate_mib for race in races)
    awake = [1000 * (race.signalled_at - race.woken_at) for race in races if race.signalled_at and race.woken_at]
    back = [1000 * (race.back_at - race.crossed_at) for race in races if race.back_at and race.crossed_at]
    return ("yes" if swap else "no", str(speed_mib) if speed_mib else "full", f"{took:.0f}", name, str(len(races)),
            spread(reactions, digits=0) if reactions else "–", difference(reactions, others),
            spread(awake, digits=0) if awake else "–", spread(back, digits=0) if back else "–",
            f"{min(race.least_mib for race in races):.0f}", str(sum(race.kernel_kills for race in races)),
            str(sum(len(race.wrong) for race in races)))


def reactions_ms(races: Iterable[Race]) -> list[float]:
    """From the threshold to the signal; below 0 where the daemon saw it before the referee did."""
    return [1000 * (race.signalled_at - race.crossed_at) for race in races if race.signalled_at and race.crossed_at]


def difference(reactions: Sequence[float], others: Sequence[float]) -> str:
    """How many milliseconds the median is behind the other's."""
    if not reactions or not others:
        return "–"
    return f"{statistics.median(reactions) - statistics.median(others):+.0f}"

"""The command: races and starves the daemons in emulated machines, prints both tables, and keeps what was measured."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from bench import table
from bench.vm import race, starved
from bench.vm.contestants import MEMORY_MIB, SWAP_PERCENT, Contestant, contestants, install, recipe, versions
from bench.vm.race import SPEEDS_MIB, Races
from bench.vm.referee import Race
from tests.vm.guest import Guest
from tests.vm.host import TOP, alone, build_deb, obstacle
from tests.vm.image import image

KEPT = TOP / "build" / "bench-vm"
WHICH = ("reaction", "starved")
THRESHOLDS = (f"Thresholds of all: {MEMORY_MIB} MiB available and {SWAP_PERCENT:g} % of swap free. Median (smallest–"
              "largest); below 0: signalled before the referee had seen both below.")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    why = obstacle()
    if why is not None:
        raise SystemExit(why)
    began = time.monotonic()
    guards = [contestants()[name] for name in options.guards]
    deb = options.deb or build_deb()
    texts = {}
    for name in options.which or WHICH:
        result = reaction(options, guards, deb) if name == "reaction" else starving(options, guards, deb)
        texts[result.name] = str(result)
        print(f"\n## {name}\n\n{result}\n", flush=True)
    print(f"measured in {time.monotonic() - began:.0f} s")
    if options.write:
        table.write(texts)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.vm", description=__doc__)
    parser.add_argument("which", nargs="*", help=f"of {', '.join(WHICH)}; both if none is named", metavar="BENCHMARK")
    parser.add_argument("--races", type=int, default=3, help="with each hog, swap and guard in a round")
    parser.add_argument("--rounds", type=int, default=3, help="each in a fresh guest, with the guards in another order")
    parser.add_argument("--speeds", type=int, nargs="+", default=SPEEDS_MIB, help="MiB/s of the hogs; 0: full speed")
    parser.add_argument("--guards", nargs="+", default=tuple(contestants())[1:], choices=tuple(contestants()))
    parser.add_argument("--more", action="store_true", help="add these races to those that were run last")
    parser.add_argument("--seconds", type=float, default=60.0, help="of being starved")
    parser.add_argument("--deb", type=Path, help="our package; made from this tree where none is named")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    options = parser.parse_args(arguments)
    unknown = [word for word in options.which if word not in WHICH]
    if unknown:
        parser.error(f"{unknown[0]}: no such benchmark; there are {', '.join(WHICH)}")
    return options


def reaction(options: argparse.Namespace, guards: Sequence[Contestant], deb: Path) -> table.Table:
    """Rounds in fresh guests; what is measured is kept after each."""
    answers: Races = {}
    said = ""
    for number in range(options.rounds):
        turned = [*guards[number % len(guards):], *guards[:number % len(guards)]]
        with machine(deb) as guest:
            said = versions(guest)
            measured = race.spend(guest, turned, options.speeds, options.races)
        answers = race.together(_kept() if options.more or number else {}, measured)
        _keep("reaction", {key: [asdict(one) for one in races] for key, races in answers.items()})
    return race.table(answers, contestants(), (
        f"{said}; Linux guest of 512 MiB with two emulated processors, 192 MiB of swap or none.",
        THRESHOLDS))


def starving(options: argparse.Namespace, guards: Sequence[Contestant], deb: Path) -> table.Table:
    with machine(deb) as guest:
        result = starved.spend(guest, guards, options.seconds)
    _keep("starved", asdict(result))
    return starved.table(result, (
        "A round of work: from being woken to going back to sleep, waits for processor and disk included.",
        "All at the same time. nohang with thresholds of 0, earlyoom with --dryrun, ours with mode = \"observe\"."))


@contextmanager
def machine(deb: Path) -> Iterator[Guest]:
    """A fresh guest with everything installed."""
    with alone(), Guest(image(recipe())) as guest:
        guest.wait_until_up()
        install(guest, deb)
        yield guest


def _kept() -> Races:
    """The races of earlier runs."""
    kept = json.loads((KEPT / "reaction.json").read_text())
    return {key: [Race(**one) for one in races] for key, races in kept.items()}


def _keep(name: str, measured: object) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{name}.json").write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])

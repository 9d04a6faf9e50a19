"""The command: runs the named benchmarks, or all, and prints their tables."""

from __future__ import annotations

import importlib
import sys
import time

from bench import machine, table

NAMES = ("footprint", "scan", "spools", "purge", "startup", "recorder", "replay", "control", "diagnose")
ELSEWHERE = {"control": "control_flood"}  # what is not in a file of its own name


def main(arguments: list[str]) -> None:
    unknown = [word for word in arguments if word not in (*NAMES, "--write")]
    if unknown:
        raise SystemExit(f"{unknown[0]}: no such benchmark; there are {', '.join(NAMES)}, and --write for the page")
    began = time.monotonic()
    texts = {"machine": "\n".join(f"{line}  " for line in machine.describe())}
    print(texts["machine"], flush=True)
    for name in [word for word in arguments if word in NAMES] or NAMES:
        print(f"\n## {name}\n", flush=True)
        for result in importlib.import_module(f"bench.{ELSEWHERE.get(name, name)}").run():
            texts[result.name] = str(result)
            print(f"{result}\n", flush=True)
    print(f"measured in {time.monotonic() - began:.0f} s")
    if "--write" in arguments:
        table.write(texts)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Writes the completions of watchdog-oom for bash, zsh and fish: completions/generate.py DIRECTORY.

They are what click generates; each asks the installed command itself what may come next.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

PROGRAM = "watchdog-oom"
VARIABLE = "_WATCHDOG_OOM_COMPLETE"
FILES: dict[str, type[ShellComplete]] = {
    f"bash/{PROGRAM}": BashComplete, f"zsh/_{PROGRAM}": ZshComplete, f"fish/{PROGRAM}.fish": FishComplete,
}


def text(shell: type[ShellComplete]) -> str:
    """The completion file for one shell."""
    completion = shell(click.Group(PROGRAM), {}, PROGRAM, VARIABLE)
    # ``source`` of bash first asks the bash of the building host for its version, which says nothing about others.
    return completion.source_template % completion.source_vars()


def main() -> None:
    """Write all files below the directory that the command line names."""
    for name, shell in FILES.items():
        path = Path(sys.argv[1]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(shell))


if __name__ == "__main__":
    main()

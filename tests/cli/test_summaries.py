"""The front door lists its subcommands by texts of its own, which must be those of the subcommands."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from watchdog_oom.cli import COMMANDS, cli
from watchdog_oom.cli.summaries import SUMMARIES


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_says_of_itself_what_the_front_door_says_of_it(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert SUMMARIES[name] == command.get_short_help_str(200)


@pytest.mark.parametrize("asked", ["['watchdog-oom', '--help']", "['watchdog-oom']"])
def test_help_and_the_shell_are_answered_without_importing_any_subcommand(asked: str) -> None:
    program = (f"import os, sys; sys.argv = {asked}\n"
               "if len(sys.argv) == 1:\n"
               "    os.environ.update(_WATCHDOG_OOM_COMPLETE='zsh_complete',"
               " COMP_WORDS='watchdog-oom ', COMP_CWORD='1')\n"
               "from watchdog_oom.cli import main, COMMANDS\n"
               "try: main()\n"
               "except SystemExit: pass\n"
               "print(sorted(set(COMMANDS.values()) & sys.modules.keys()))")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr == ""
    *told, imported = done.stdout.splitlines()
    assert imported == "[]"
    words = " ".join(" ".join(told).split())  # a long one is wrapped
    assert [name for name in COMMANDS if SUMMARIES[name] not in words] == []


def test_a_subcommand_without_a_summary_tells_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    from watchdog_oom.cli.summaries import SummarizedGroup
    group = SummarizedGroup("x", commands={"other": click.Command("other", short_help="Something else.")})
    with pytest.raises(SystemExit):
        group(["--help"])
    assert "other  Something else." in capsys.readouterr().out

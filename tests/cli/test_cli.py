"""The front door: help, versions, and errors as words and an exit status."""

from __future__ import annotations

import errno
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from watchdog_oom import __version__
from watchdog_oom.cli import COMMANDS, FrontDoor
from watchdog_oom.cli.output import Page, safe
from watchdog_oom.errors import FAILED_EXIT_STATUS, Fault, NotPermittedError, NotRunningError, PolicyError, UsageError
from watchdog_oom.journal.record import KEYS

Run = Callable[..., Result]
COMMAND = [sys.executable, "-c", "from watchdog_oom.cli import main; main()"]


def _really(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=20,
                          env={**os.environ, **environment})


def _failing(error: BaseException, *options: str) -> Result:
    """The front door with a command that ends with this error."""
    class Failing(FrontDoor):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            def fail() -> None:
                raise error
            return click.Command("check", callback=fail)

    door = Failing("watchdog-oom", params=[click.Option(["--debug"], is_flag=True)])
    return CliRunner().invoke(door, [*options, "check"])


def test_version_and_help_come_from_the_real_program() -> None:
    assert _really("--version").stdout == f"watchdog-oom {__version__}\n"
    told = _really("-h")
    assert told.returncode == 0
    assert "watchdog-oom check mail.toml" in told.stdout
    assert all(f"\n  {name} " in told.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_stands_in_the_documentation(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    with open(Path(__file__).parents[2] / "docs" / "commands.md", encoding="utf-8") as file:
        section = file.read().partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    options = re.findall(r"(?<![\w-])--[a-z][a-z-]*", result.stdout)
    assert all(option in section for option in options if option != "--help"), options


def test_the_documented_keys_of_a_record_are_those_it_has(documented: Callable[..., list[str]]) -> None:
    assert tuple(documented("`audit --json`")) == KEYS


def test_an_unknown_command_is_wrong_usage_and_gets_the_nearest(run: Run) -> None:
    result = run("chek")
    assert result.exit_code == 2
    assert 'there is no command "chek" — did you mean "check"?' in result.stderr
    assert run("check", "--no-such-option").exit_code == 2
    assert run("check", "--proc", "/no/such/directory").exit_code == 2


@pytest.mark.parametrize(("error", "status", "line"), [
    (UsageError("a\nb"), 2, "watchdog-oom: a\nwatchdog-oom: b\n"),
    (NotPermittedError("no"), 3, "watchdog-oom: no\n"),
    (NotRunningError("gone\x1b[2J"), 4, "watchdog-oom: gone\\x1b[2J\n"),
    (PolicyError((Fault("b", 2, "", "y"), Fault("a", 1, "[t]", "x"))), 2,
     "a:1: [t]: x\nb:2: y\nwatchdog-oom: not valid: 2 faults\n"),
    (PermissionError(13, "Permission denied", "/x"), 3, "watchdog-oom: /x: Permission denied; run this as root\n"),
])
def test_an_error_for_people_is_its_words_and_its_exit_status(error: Exception, status: int, line: str) -> None:
    result = _failing(error)
    assert (result.exit_code, result.stdout, result.stderr) == (status, "", line)


@pytest.mark.parametrize("error", [ValueError("two\nlines"), RecursionError(), OSError(5, "Input/output error"),
                                   KeyError("x"), AssertionError()])
def test_a_mistake_of_our_own_is_one_line_and_a_traceback_only_on_demand(error: Exception) -> None:
    result = _failing(error)
    assert result.exit_code == 70
    assert len(result.stderr.splitlines()) == 1
    assert f"an internal error: {type(error).__name__}" in result.stderr
    assert "(test_cli.py:" in result.stderr
    assert "Traceback" in _failing(error, "--debug").stderr


def test_ctrl_c_is_not_taken_for_a_finding() -> None:
    assert _failing(KeyboardInterrupt()).exit_code == 130


def test_a_reader_that_has_had_enough_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("")
    (tmp_path / "p.toml").chmod(0o644)
    reading, writing = os.pipe()
    os.close(reading)
    program = subprocess.run([*COMMAND, "check", "--no-host", tmp_path / "p.toml"], stdout=writing,
                             stderr=subprocess.PIPE, check=False, timeout=20)
    os.close(writing)
    assert (program.returncode, program.stderr) == (141, b"")


def test_at_its_end_a_command_does_not_look_for_garbage() -> None:
    """To look through what goes with the process anyway took a tenth of a short command's time."""
    frozen = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 1000))"
    program = [sys.executable, "-c", f"{frozen}; {COMMAND[-1]}", "--version"]
    assert subprocess.run(program, capture_output=True, text=True, check=False, timeout=20).stdout.endswith("\nTrue\n")


def test_a_terminal_that_cannot_show_a_character_gets_an_escape(tmp_path: Path) -> None:
    text = 'description = "Mail \u2014 \u4e2d"\n[emergency]\nmode = "act"\n'
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")
    (tmp_path / "p.toml").chmod(0o644)
    result = _really("check", "--no-host", tmp_path / "p.toml", PYTHONIOENCODING="latin-1")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Mail \\u2014 \\u4e2d\n")


def test_what_is_safe_stays_and_the_rest_is_escaped_once() -> None:
    hostile = "a\\b\x1b]0;x\x07\u202e\udce9\n中"
    assert safe(hostile) == "a\\b\\x1b]0;x\\x07\\u202e\\udce9\\n中"
    assert safe(safe(hostile)) == safe(hostile)


def test_a_table_aligns_its_columns() -> None:
    page = Page()
    page.table(("PID", "NAME"), [("7", "a"), ("1234", "b\n")], right=(0,), indent=1)
    assert page.text() == "   PID  NAME\n     7  a\n  1234  b\\n\n"


@pytest.mark.parametrize(("environment", "coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True),
                                                       ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)])
def test_colours_come_only_to_a_terminal_or_on_demand(
        tmp_path: Path, environment: dict[str, str], coloured: bool) -> None:
    (tmp_path / "p.toml").write_text('description = "x"\n[emergency]\nmode = "act"\n')
    os.chmod(tmp_path / "p.toml", 0o644)
    result = _really("check", "--no-host", tmp_path / "p.toml", **{"NO_COLOR": "", "FORCE_COLOR": "", **environment})
    assert result.returncode == 0, result.stderr
    assert ("\x1b[" in result.stdout) == coloured


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_without_standard_input_or_output_a_command_does_its_work_all_the_same(closed: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[process.a]\nnam = 1\n")
    line = " ".join(map(shlex.quote, [*COMMAND, "check", str(tmp_path / "a.toml")]))
    ran = subprocess.run(["sh", "-c", f"exec {line} {closed}"], capture_output=True, text=True, check=False, timeout=20)
    assert ran.returncode == 2
    assert "internal error" not in ran.stdout + ran.stderr


def test_a_full_disk_below_the_output_is_no_internal_error() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        ran = subprocess.run([*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                             timeout=20)
    assert ran.returncode != 0
    assert "Traceback" not in ran.stderr
    told = _failing(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert told.exit_code == FAILED_EXIT_STATUS
    assert "cannot go on: No space left on device" in told.output

"""The files that shells complete the two programs with, each in its shell where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

from watchdog_oom.daemon.options import HELP

FILES = Path(__file__).parent.parent / "completions"
OPTIONS = set(re.findall(r"^  --([a-z]+)", HELP, flags=re.MULTILINE))
BIN = sysconfig.get_path("scripts")


def asked(shell: str, *arguments: str, **environment: str) -> list[str]:
    """What a shell says, with this project's programs in its path."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"needs {shell}")
    with tempfile.TemporaryDirectory() as home:  # fish writes there
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False,
                              env={"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": home, **environment})
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(("name", "pattern"), [
    ("bash/watchdog-oomd", r"--([a-z]+)"), ("zsh/_watchdog-oomd", r"--([a-z]+)"),
    ("fish/watchdog-oomd.fish", r" -l ([a-z]+)")])
def test_each_file_for_the_daemon_has_exactly_its_options(name: str, pattern: str) -> None:
    assert set(re.findall(pattern, (FILES / name).read_text())) == OPTIONS


@pytest.mark.parametrize(("line", "found"), [
    ("--o", ["--observe"]), ("--policies", ["--policies"]), ("--log {0}/d", ["{0}/directory"]),
    ("--log = {0}/d", ["{0}/directory"]), ("--config {0}/", ["{0}/directory", "{0}/file"]), ("x", [])])
def test_bash_completes_the_options_of_the_daemon_and_their_paths(tmp_path: Path, line: str, found: list[str]) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").touch()
    words = line.format(tmp_path).split()
    array = " ".join(("watchdog-oomd", *words))
    script = (f"compopt() {{ :; }}; . {FILES}/bash/watchdog-oomd; COMP_WORDS=({array}); COMP_CWORD={len(words)}; "
              "_watchdog_oomd; printf '%s\\n' \"${COMPREPLY[@]}\"")
    assert sorted(asked("bash", "-c", script)) == [word.format(tmp_path) for word in found]


def test_bash_completes_the_command_by_asking_it() -> None:
    script = (f". {FILES}/bash/watchdog-oom; complete -p watchdog-oom >/dev/null && COMP_WORDS=(watchdog-oom au); "
              "COMP_CWORD=1; compopt() { :; }; _watchdog_oom_completion watchdog-oom; echo \"${COMPREPLY[@]}\"")
    assert asked("bash", "-c", script) == ["audit"]


def test_fish_completes_both() -> None:
    def offered(line: str) -> list[str]:
        name = line.split()[0]
        return asked("fish", "--no-config", "-c", f"source {FILES}/fish/{name}.fish; complete -C '{line}'")
    assert offered("watchdog-oom au")[0] == "audit"
    assert {word for word in offered("watchdog-oomd --") if word.startswith("--")} == {f"--{name}" for name in OPTIONS}


def test_zsh_defines_both_at_their_first_use_and_answers_at_once() -> None:
    """As its completion system does it: the file is the body of a function of its name."""
    system = f"fpath=({FILES}/zsh $fpath); autoload -Uz compinit; compinit -u -D; CURRENT=2; "
    command = "_describe() { print -rl -- $completions_with_descriptions }; words=(watchdog-oom au); _watchdog-oom"
    assert asked("zsh", "-f", "-c", system + command)[0].startswith("audit:")
    daemon = "_arguments() { print -rl -- $@ }; words=(watchdog-oomd --); _watchdog-oomd"
    said = " ".join(asked("zsh", "-f", "-c", system + daemon))
    assert set(re.findall(r"--([a-z]+)\[", said)) | {"help"} == OPTIONS


@pytest.mark.parametrize("name", sorted(str(path.relative_to(FILES)) for path in FILES.glob("*/*")))
def test_its_own_shell_finds_no_mistake_in_a_file(name: str) -> None:
    shell = name.partition("/")[0]
    assert asked(shell, "-n", str(FILES / name)) == []


def test_the_tests_run_the_programs_of_this_environment() -> None:
    assert Path(sys.executable).parent == Path(BIN)

"""The Ansible collection, as far as it can be judged without Ansible: its calls, its variables, its version."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from watchdog_oom import __version__
from watchdog_oom.cli import cli

COLLECTION = Path(__file__).parent.parent / "packaging" / "ansible"
ROLE = COLLECTION / "roles" / "watchdog_oom"
YAML = sorted(COLLECTION.rglob("*.yml"))
CALLS = sorted({match for path in YAML for match in re.findall(
    r"(?:command: |watchdog_oom_check: |job: \"nice -n 19 )watchdog-oom ([a-z]+(?: --?[a-z-]+|(?<=audit) verify)*)",
    path.read_text())})


def test_its_version_is_that_of_the_program() -> None:
    assert f"\nversion: {__version__}\n" in (COLLECTION / "galaxy.yml").read_text()


def test_every_variable_has_its_default_and_its_meaning() -> None:
    defaults = set(re.findall(r"^(\w+):", (ROLE / "defaults" / "main.yml").read_text(), re.MULTILINE))
    specs = (ROLE / "meta" / "argument_specs.yml").read_text()
    meant = set(re.findall(r"^      (watchdog_oom_\w+):", specs, re.MULTILINE))
    assert defaults == meant
    assert all(name.startswith("watchdog_oom_") for name in defaults)


def test_it_calls_the_command() -> None:
    assert {call.split()[0] for call in CALLS} >= {"check", "status", "reload", "audit"}


@pytest.mark.parametrize("call", CALLS)
def test_what_it_calls_is_a_command_with_those_options(call: str) -> None:
    name, *words = call.split()
    command = cli.get_command(click.Context(cli), name)
    if command is None and name in ("test", "metrics"):
        pytest.skip("there only in some releases; the role looks for it before it calls it")
    assert command is not None
    options = {option for parameter in command.params for option in parameter.opts} | {"--help", "verify"}
    assert set(words) <= options


def test_policies_are_judged_before_they_are_put_in_force() -> None:
    tasks = (ROLE / "tasks" / "policies.yml").read_text()
    assert tasks.index("- name: Refuse them if they are not valid") < tasks.index("- name: Put the policies in force")
    assert 'validate: "{{ watchdog_oom_validate }}"' in tasks
    assert "watchdog_oom_check: watchdog-oom check --no-host\n" in (ROLE / "vars" / "main.yml").read_text()


def test_the_mode_is_chosen_before_the_package_starts_the_daemon() -> None:
    steps = re.findall(r"_tasks: (\w+)\.yml", (ROLE / "tasks" / "main.yml").read_text())
    assert steps.index("preflight") < steps.index("mode") < steps.index("install") < steps.index("policies")

"""Programs that the configuration names are judged as policies are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from watchdog_oom.policy.programs import program_faults, why_not_run


@pytest.fixture
def program(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    path = tmp_path / "hook"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_program_that_only_its_owner_can_write_is_right(program: Path) -> None:
    assert program_faults(str(program)) == ()
    assert why_not_run(str(program)) == ""


def test_one_that_is_missing_is_told(program: Path) -> None:
    assert program_faults(f"{program}x") == (f"{program}x: cannot be run: No such file or directory",)


def test_a_directory_and_a_fifo_are_no_programs(program: Path) -> None:
    assert "it is a directory" in program_faults(str(program.parent))[0]
    os.mkfifo(program.parent / "fifo")
    assert "it is no regular file" in program_faults(str(program.parent / "fifo"))[0]


def test_one_that_is_not_executable_is_told_with_the_command(program: Path) -> None:
    program.chmod(0o644)
    assert program_faults(str(program)) == (f"{program}: is not executable (chmod +x)",)


@pytest.mark.parametrize("where", ["hook", "."])
def test_one_that_others_could_change_or_replace_is_refused(program: Path, where: str) -> None:
    place = program.parent / where
    place.chmod(0o777)
    assert any("is writable by its group and others, who could decide what is run as root" in fault
               for fault in program_faults(str(program)))
    assert program_faults(str(program), check_ownership=False) == ()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_one_of_another_user_is_refused(program: Path) -> None:
    os.chown(program, 65534, 65534)
    assert "belongs to uid 65534, who could decide what is run as root" in why_not_run(str(program))


def test_a_link_is_judged_with_what_it_leads_to(program: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(program)
    assert program_faults(str(link)) == ()
    program.chmod(0o775)
    assert program_faults(str(link)) != ()

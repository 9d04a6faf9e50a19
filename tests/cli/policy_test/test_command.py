"""``watchdog-oom test`` as an administrator and a build server call it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from watchdog_oom.cli import cli

POLICY = """
[process.big]
name = "big"
age_above = "1h"
[limit.big]
process = "big"
rss = "100MiB"
"""
CASE = """
[[case]]
name   = "a large one goes"
expect = ["TERM big*"]
[case.host]
processes = [{{ noun = "big", rss = "{0}" }}]
"""


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Path]:
    def write(*sizes: str, policy: str = POLICY) -> Path:
        (tmp_path / "policy.toml").write_text(policy)
        text = "".join(CASE.format(size).replace("goes", f"goes {number}") for number, size in enumerate(sizes))
        (tmp_path / "it.test.toml").write_text(text)
        return tmp_path
    return write


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["test", *map(str, arguments)])


def test_all_as_expected_is_a_line_a_case_and_ends_with_0(book: Callable[..., Path]) -> None:
    done = run(book("200MiB", "300MiB"))
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == "2 cases, all as expected"
    assert "What was done" not in done.output
    assert "TERM big[1000] [limit.big]" in run(book("200MiB"), "--plans").output


def test_a_failure_shows_the_plan_and_why_not_and_ends_with_1(book: Callable[..., Path]) -> None:
    done = run(book("200MiB", "50MiB"))
    assert done.exit_code == 1
    told = done.output
    assert "FAIL a large one goes 1" in told and "it.test.toml:8" in told
    assert '"TERM big*" was not done' in told and "Nothing was done." in told
    assert "big[1000]: holds 50 MiB, limit 100 MiB (50%)" in told
    assert told.splitlines()[-1] == "2 cases, 1 failed"


def test_a_build_server_gets_its_file(book: Callable[..., Path], tmp_path: Path) -> None:
    assert run(book("200MiB", "50MiB"), "--junit", tmp_path / "results.xml").exit_code == 1
    top = ElementTree.parse(tmp_path / "results.xml").getroot()
    (suite,) = top
    assert (top.tag, suite.tag, suite.get("tests"), suite.get("failures")) == ("testsuites", "testsuite", "2", "1")
    good, bad = suite
    assert [good.get("name"), len(good)] == ["a large one goes 0", 0]
    assert bad[0].tag == "failure" and '"TERM big*" was not done' in (bad[0].get("message") or "")


def test_mistakes_of_all_files_and_policies_are_told_together_with_2(book: Callable[..., Path]) -> None:
    folder = book("200MiB")
    (folder / "b.test.toml").write_text('[[case]]\nname = "x"\nexpekt = "y"\n')
    (folder / "c.test.toml").write_text('[[case]]\nname = "x"\nexpect = "y"\npolicy = "gone.toml"\n')
    (folder / "d.test.toml").write_text('[[case]]\nname = "x"\nexpect = "y"\n[case.host]\n'
                                        'processes = [{ noun = "bog" }]\n')
    done = run(folder)
    assert done.exit_code == 2
    assert 'b.test.toml:3: [case] #1: unknown key "expekt" — did you mean "expect"?' in done.output
    assert f"c.test.toml:4: [case] #1 policy: there is no policy {folder}/gone.toml" in done.output
    assert 'd.test.toml:5: [case] #1 host processes #1 noun: the policy has no process "bog"' in done.output
    assert "What was done" not in done.output


def test_a_policy_that_is_not_valid_is_told_as_check_tells_it(book: Callable[..., Path]) -> None:
    done = run(book("200MiB", policy='[limit.big]\nproces = "big"\n'))
    assert done.exit_code == 2
    assert 'policy.toml:2: [limit.big]: unknown key "proces" — did you mean "process"?' in done.output


@pytest.mark.parametrize("name", ["gone.test.toml", "empty"])
def test_what_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    done = run(tmp_path / name)
    assert done.exit_code == 2
    assert name in done.output


def test_names_that_would_control_a_terminal_or_break_the_xml_do_neither(
        book: Callable[..., Path], tmp_path: Path) -> None:
    folder = book()
    (folder / "it.test.toml").write_text('[[case]]\nname = "\\u001b[31m\\u0007"\nexpect = "\\u0001"\n')
    done = run(folder, "--junit", tmp_path / "r.xml")
    assert done.exit_code == 1
    assert "\x1b" not in done.output and "\x07" not in done.output
    ElementTree.parse(tmp_path / "r.xml")

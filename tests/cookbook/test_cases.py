"""The cookbook: every case is as expected, no rule can be taken out, and each page says what it must."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from watchdog_oom.cli import cli
from watchdog_oom.cli.policy_test.case_file import read_cases
from watchdog_oom.cli.policy_test.play import play
from watchdog_oom.cli.policy_test.scene import scene_of
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.load import load_policy

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "policies" / "cookbook"
RECIPES = sorted(path.parent.name for path in BOOK.glob("*/policy.toml"))
RULES = ("protect", "limit", "recover", "clean")
HEADINGS = ["What was wrong", "The cure by hand", "What the policy does", "What it must not do"]


def tables(text: str) -> list[str]:
    """A policy cut before each of its tables."""
    return re.split(r"^(?=\[)", text, flags=re.MULTILINE)


def rules_of(recipe: str) -> list[str]:
    """The headers of its rules; ``[emergency]`` is one where it prefers somebody."""
    found = re.findall(rf"^\[((?:{'|'.join(RULES)})\.\w+|emergency)\]", (BOOK / recipe / "policy.toml").read_text(),
                       re.MULTILINE)
    return [str(name) for name in found]


# What is wrong with a policy that does what a case forbids: (recipe, first words of the case, what is put for what).
# A purge of mail has to be written in: no rule of the recipe has one.
BROKEN = [
    ("amavis-clamscan", "A scan that root", 'user = ["amavis", "vscan", "clamav"]\n => '),
    ("apache-prefork", "Workers of a pool", 'total_rss_above = "50%" => total_rss_above = "10%"'),
    ("cron-overlap", "Somebody who does the same", 'parent  = "cron"\n => '),
    ("cron-overlap", "The nightly backup", 'cmdline = "/srv/shared/ /mnt/nfs/"\n => '),
    ("cron-postdrop", "Old mail is never", 'steps = [\n => steps = [\n  { purge = "maildrop" },\n'),
    ("headless-browsers", "A browser whose test", "orphaned   = true => "),
    ("headless-browsers", "A browser that is not", 'cmdline    = "--?headless"\n => '),
    ("jenkins-builds", "Builds that fit", 'total_rss = "50%" => total_rss = "10%"'),
    ("mysql-buffer-pool", "Without room, and with", ', memory_available_above = "40%" => '),
    ("package-manager", "An apt-get that only", 'under = "apt_log" => '),
    ("package-manager", "While dpkg writes",
     '[protect.writing]\nprocess       = "writing"\noom_score_adj = -900\n => '),
    ("php-sessions", "Sessions that are real", ", stale_above = 1000 => "),
    ("redis-fork", "A save with enough", ', memory_available_below = "12%" => '),
    ("redis-fork", "A Redis that a user", '\nuser       = ["redis", "valkey"] => '),
]


@cache
def failing_without(recipe: str, rule: str) -> frozenset[str]:
    """The names of the recipe's cases that fail when this table is taken out of its policy."""
    return failing_with(recipe, "".join(table for table in tables((BOOK / recipe / "policy.toml").read_text())
                                        if not table.startswith(f"[{rule}]")))


def failing_with(recipe: str, policy: str) -> frozenset[str]:
    """The names of the recipe's cases that fail with this policy in place of its own."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(policy)
        file.flush()
        ir = load_policy(files=[file.name], check_ownership=False).ir
    failed = set()
    for case in read_cases(str(BOOK / recipe / f"{recipe}.test.toml")).cases:
        scene = scene_of(case, build_policy(ir), ir["process"])
        assert scene.mistakes == []
        failed |= {case.name} if list(play(scene).failures()) else set()
    return frozenset(failed)


def test_the_twelve_situations_are_there() -> None:
    assert RECIPES == ["amavis-clamscan", "apache-prefork", "clamd-reload", "cron-overlap", "cron-postdrop",
                       "headless-browsers", "jenkins-builds", "mysql-buffer-pool", "package-manager",
                       "php-fpm-mariadb", "php-sessions", "redis-fork"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_case_of_a_recipe_is_as_expected(recipe: str) -> None:
    done = CliRunner().invoke(cli, ["test", str(BOOK / recipe)])
    assert done.exit_code == 0, done.output


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "rule"), [(recipe, rule) for recipe in RECIPES for rule in rules_of(recipe)])
def test_without_any_one_of_its_rules_a_case_fails(recipe: str, rule: str) -> None:
    assert failing_without(recipe, rule)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_each_case_that_expects_something_fails_without_the_rule_that_does_it(recipe: str) -> None:
    expecting = {case.name for case in read_cases(str(BOOK / recipe / f"{recipe}.test.toml")).cases if case.expect}
    red = frozenset[str]().union(*(failing_without(recipe, rule) for rule in rules_of(recipe)))
    assert expecting - red == set()


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "case", "change"), [(recipe, case, change) for recipe, case, *change in BROKEN])
def test_each_case_that_only_forbids_fails_with_a_policy_that_does_it(
        recipe: str, case: str, change: list[str]) -> None:
    made = (BOOK / recipe / "policy.toml").read_text()
    for old, new in (each.split(" => ") for each in change):
        assert old in made
        made = made.replace(old, new)
    assert [name for name in failing_with(recipe, made) if name.startswith(case)]


def test_no_case_that_only_forbids_is_without_such_a_policy() -> None:
    only = [(recipe, case.name) for recipe in RECIPES
            for case in read_cases(str(BOOK / recipe / f"{recipe}.test.toml")).cases if not case.expect]
    assert len(only) == len(BROKEN)
    assert all(any(name.startswith(case) for where, name in only if where == recipe) for recipe, case, *_ in BROKEN)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_has_a_case_of_what_must_not_be_done(recipe: str) -> None:
    assert any(case.refuse for case in read_cases(str(BOOK / recipe / f"{recipe}.test.toml")).cases)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_a_valid_policy_without_a_warning(recipe: str) -> None:
    done = CliRunner().invoke(cli, ["check", "--no-host", str(BOOK / recipe / "policy.toml")])
    assert done.exit_code == 0, done.output
    assert "warning" not in done.output


@pytest.mark.parametrize("recipe", RECIPES)
def test_its_page_says_what_was_wrong_what_cured_it_what_is_done_and_what_must_not_be(recipe: str) -> None:
    page = (BOOK / recipe / "README.md").read_text()
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == HEADINGS
    assert page.startswith("# ")


def test_the_chapter_of_the_documentation_is_made_from_the_recipes() -> None:
    made = subprocess.run([sys.executable, "-I", str(ROOT / "docs" / "generate_cookbook.py"), "-"], check=True,
                          capture_output=True, text=True, timeout=30).stdout
    assert made == (ROOT / "docs" / "cookbook.md").read_text(), "run: python docs/generate_cookbook.py"

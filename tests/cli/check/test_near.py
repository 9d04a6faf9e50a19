"""The nearest name on this host: by the other names of a program, else by its letters."""

from __future__ import annotations

import pytest

from watchdog_oom.cli.check.near import near


@pytest.mark.parametrize(("wanted", "there", "found"), [
    ("mysqld", ["bash", "mariadbd"], "mariadbd"),
    ("mysql.service", ["cron.service", "mariadb.service"], "mariadb.service"),
    ("amavsd*", ["amavisd"], "amavisd"),
])
def test_another_name_of_the_same_program_or_a_misspelt_one_is_found(wanted: str, there: list[str], found: str) -> None:
    assert near(wanted, there) == f' — is it "{found}"?'


def test_where_nothing_is_near_nothing_is_said() -> None:
    assert near("postgres", ["bash", "", "cron"]) == ""

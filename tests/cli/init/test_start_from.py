"""``init --for``: a shipped policy with this host's names, that only observes and keeps its comments."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.init.hosts import HOSTS, MAIL, WEB
from tests.cli.init.test_page import acting
from watchdog_oom.cli.init.known import read_known
from watchdog_oom.cli.init.start_from import SHIPPED, started_from
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.load import Loaded, load_policy

POLICIES = Path(__file__).parents[3] / "policies"
KNOWN = read_known()


def made(wanted: str, host: str) -> str:
    return started_from((POLICIES / SHIPPED[wanted]).read_text(), wanted, HOSTS[host], KNOWN, "file:///s.json")


def loaded(text: str, folder: Path) -> Loaded:
    path = folder / "init.toml"
    path.write_text(text)
    return load_policy(files=[str(path)], check_ownership=False)


@pytest.mark.parametrize("wanted", SHIPPED)
@pytest.mark.parametrize("host", HOSTS)
def test_it_is_valid_has_every_table_of_the_shipped_one_and_only_observes(
        wanted: str, host: str, tmp_path: Path) -> None:
    shipped = load_policy(files=[str(POLICIES / SHIPPED[wanted])], check_ownership=False).ir
    found = loaded(made(wanted, host), tmp_path)
    tables = ("process", "spool", "service", "protect", "limit", "recover", "clean")
    assert {kind: shipped.get(kind, {}).keys() for kind in tables} == {
        kind: found.ir.get(kind, {}).keys() for kind in tables}
    assert acting(build_policy(found.ir)) == []
    assert found.warnings == ()


def test_units_and_spools_get_the_names_of_this_host(tmp_path: Path) -> None:
    web = build_policy(loaded(made("web", "web"), tmp_path).ir)
    assert web.services["php_fpm"].unit == "php8.2-fpm.service"
    database = build_policy(loaded(made("database", "web"), tmp_path).ir)
    assert database.services["postgresql"].unit == "postgresql@15-main.service"
    assert build_policy(loaded(made("mail", "mail"), tmp_path).ir).spools["vscan"].path == "/var/spool/vscan/tmp"


def test_what_a_limit_did_stands_beside_it_and_scores_are_comments() -> None:
    text = made("mail", "mail")
    assert '\nthen      = "report"  # later: "freeze"\n' in text
    assert "# oom_score_adj = -900" in text


def test_a_comment_stays_with_the_table_before_which_it_stands() -> None:
    text = made("web", "web")
    before, _, after = text.partition("[recover.php_memory]")
    assert before.endswith("a restart frees what its workers have accumulated.\n")
    assert "# Memory is short for minutes" in before
    assert [" ".join(line.split()) for line in after.splitlines()].count('mode = "observe"') == 2
    assert '\nmode                   = "observe"\n' in after  # as the other keys of its table stand


def test_what_runs_here_and_is_not_in_it_is_named() -> None:
    head = made("web", "web").partition("\ndescription")[0]
    assert "Not in it, although it runs here: PostgreSQL, Redis or Valkey" in head
    assert "nginx" not in head.partition("Not in it")[2].partition(". `")[0]


def test_the_hosts_of_the_tests_are_what_they_are_called() -> None:
    assert MAIL.has_systemd and WEB.has_systemd

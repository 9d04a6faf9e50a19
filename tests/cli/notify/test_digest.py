"""The digest: the text of the report, or why there is none."""

from __future__ import annotations

from pathlib import Path

from watchdog_oom.cli.notify.digest import digest_text
from watchdog_oom.journal import Journal, Kind, Record


def test_it_is_the_report_of_the_last_day(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "log"), boot_id="b" * 36)
    journal.open()
    journal.append(Record(Kind.OUTCOME, rule="limit.x", step="KILL evil\x1b[2J[7]", ok=True, result="KILL sent"))
    journal.close()
    text = digest_text(str(tmp_path / "log"), str(tmp_path / "run"))
    assert "limit.x" in text
    assert "\x1b" not in text


def test_what_goes_wrong_is_said_in_it(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("")
    assert digest_text(str(tmp_path / "log"), "/nowhere").startswith("There is no report: ")


def test_one_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    assert "was not ready within" in digest_text(str(tmp_path), "/nowhere", longest_seconds=0.0)

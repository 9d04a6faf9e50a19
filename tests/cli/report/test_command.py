"""``watchdog-oom report``: its three forms, its file, its exit statuses, and what cannot be read."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.kernel_log.reports import GLOBAL_6_1
from tests.recorder.nights import at
from tests.report.mail_night import MailNight
from watchdog_oom.recorder.frames import encode, extra, line_of
from watchdog_oom.recorder.sample import SampleKind
from watchdog_oom.recorder.segments import FlightWriter

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the daemon left of the night of 2007, six hours of it, two days ago."""
    place = tmp_path_factory.mktemp("night")
    night = MailNight(time.time() // 86_400 * 86_400 - 2 * 86_400 + 20 * 3600, hours=8)
    night.write_recording(place / "log")
    night.write_journal(place / "log")
    night.write_status(place / "run")
    return place


def places(left: Path) -> list[str]:
    return ["--log", str(left / "log"), "--runtime", str(left / "run"), "--since", "3d"]


def test_without_a_file_it_is_a_text_and_says_by_its_status_that_something_happened(run: Run, left: Path) -> None:
    done = run("report", *places(left))
    assert done.exit_code == 1
    assert "five clamscans, wedged on 402 old entries of /var/spool/vscan/tmp" in done.output.replace("\n", " ")
    assert "mrtg" in done.output
    told, again = done.output, run("report", "--text", *places(left)).output
    assert again.split("\n\n", 1)[1] == told.split("\n\n", 1)[1]  # the head has the minute it was made in


def test_a_file_gets_the_page_for_its_owner_and_group_alone_and_the_sentence_is_printed(
        run: Run, left: Path, tmp_path: Path) -> None:
    page = tmp_path / "morning.html"
    page.write_text("older")
    page.chmod(0o666)
    done = run("report", *places(left), "-o", page)
    assert done.exit_code == 1
    assert done.output.splitlines()[1] == str(page)
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert stat.S_IMODE(page.stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["morning.html"]
    assert run("report", *places(left), "-o", "-").output.startswith("<!DOCTYPE html>")


def test_a_text_can_be_written_to_a_file_too(run: Run, left: Path, tmp_path: Path) -> None:
    run("report", *places(left), "--text", "-o", tmp_path / "t")
    assert (tmp_path / "t").read_text().startswith("At ")


def test_json_has_what_its_reference_says(run: Run, left: Path, documented: Callable[..., list[str]]) -> None:
    told = json.loads(run("report", *places(left), "--json").stdout)
    assert list(told) == documented("`report --json`")
    assert list(told["incidents"][0]) == documented("`report --json`", 1)
    assert told["trigger"]["sure"] == "likely"


def test_what_is_no_file_is_not_replaced(run: Run, left: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    done = run("report", *places(left), "-o", link)
    assert (done.exit_code, done.stderr) == (2, f"watchdog-oom: {link}: is no regular file, so it is not replaced\n")
    missing = run("report", *places(left), "-o", tmp_path / "no" / "p.html")
    assert missing.exit_code == 2
    assert "there is no such directory" in missing.stderr


def test_a_quiet_night_is_one_line_or_nothing_at_all(run: Run, left: Path, tmp_path: Path) -> None:
    begins = (tmp_path / "log")
    calm = MailNight(time.time() - 1800, hours=0.4)
    calm.write_recording(begins)
    asked = ["--log", begins, "--runtime", left / "run", "--since", "1h"]
    done = run("report", *asked)
    assert done.exit_code == 0
    assert done.output.startswith("A quiet night: nothing had to be done from")
    silent = run("report", "--unless-quiet", *asked, "-o", tmp_path / "p.html")
    assert (silent.exit_code, silent.output) == (0, "")
    assert not (tmp_path / "p.html").exists()
    assert run("report", "--unless-quiet", *places(left)).output


def test_nothing_there_is_said_and_is_no_error(run: Run, tmp_path: Path) -> None:
    done = run("report", "--log", tmp_path / "none", "--runtime", tmp_path)
    told = done.output.replace("\n  ", " ")
    assert done.exit_code == 0
    assert "there is no journal here" in told.lower()
    assert "The daemon is not running" in told
    assert "There is no recording of the host for this time" in told


def test_what_is_damaged_is_said_and_the_rest_is_shown(run: Run, left: Path, tmp_path: Path) -> None:
    night = MailNight(time.time() - 10 * 3600, hours=0.5)
    night.write_recording(tmp_path / "log")
    night.write_journal(tmp_path / "log")
    journal = tmp_path / "log" / "audit.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"swap free is 3%", b"swap free is 9%") + b"garbage\n")
    (flight, *_) = sorted((tmp_path / "log" / "flight").iterdir())
    flight.write_bytes(b"this is no recording")
    (tmp_path / "status.json").write_text("{")
    done = run("report", "--log", tmp_path / "log", "--runtime", tmp_path, "--since", "24h")
    told = " ".join(done.output.split())
    assert done.exit_code == 1
    assert "The journal is damaged: audit.jsonl" in told
    assert "is not a recording" in told
    assert "The daemon's status cannot be read" in told
    assert "amavis was stopped, cleared and started" in told


@pytest.mark.parametrize("arguments", [["--text", "--json"], ["--since", "1h", "--until", "2h"], ["--since", "soon"]])
def test_wrong_usage(run: Run, arguments: list[str]) -> None:
    assert run("report", *arguments).exit_code == 2


def test_the_journal_of_another_user_is_not_permitted(as_nobody: Callable[..., tuple[int, str]], run: Run,
                                                      tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    status, told = as_nobody(lambda: run("report", "--log", closed))
    assert status == 3
    assert "only root may read the journal" in told


def test_the_kernels_report_that_was_read_beside_a_sample_is_told_with_when_it_was_read(
        run: Run, tmp_path: Path) -> None:
    flight = tmp_path / "flight"
    flight.mkdir(mode=0o700)
    seen = at(time.time() - 3600)
    writer = FlightWriter(str(flight), 1 << 30, 1e9)
    writer.write(encode(None, seen, SampleKind.CALM), seen.clock.wall, keyframe=True)
    writer.write(line_of(extra({"kernel": GLOBAL_6_1, "meminfo": "MemTotal: 1 kB"}, seen.clock.boottime + 7)),
                 seen.clock.wall, keyframe=False)
    writer.end()
    done = run("report", "--log", str(tmp_path), "--runtime", str(tmp_path), "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    (report,) = told["kernel_reports"]
    assert abs(report["time"] - seen.clock.wall - 7) < 0.01
    assert report["words"].startswith("RAM and swap were used up: ")
    assert [(kill["name"], kill["pid"]) for kill in told["kernel_kills"]] == [("indexer", 4242)]

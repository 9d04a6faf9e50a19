"""``watchdog-oom record`` as an administrator calls it."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.core.build import proc
from tests.recorder.nights import MIDNIGHT, at, record
from watchdog_oom.cli import cli
from watchdog_oom.recorder.reading import samples

NIGHT = [at(MIDNIGHT + 10 * count, proc(11, "acme-billing", rss=count, exe="/opt/acme/billing", user="paula", uid=4711,
                                        cmdline="billing --password=hunter2x", unit="acme.service"))
         for count in range(800)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "flight").mkdir()
    record(tmp_path / "flight", NIGHT)
    return tmp_path


def call(*words: object) -> Result:
    return CliRunner().invoke(cli, ["record", *map(str, words)])


def day(seconds: float) -> str:
    from datetime import UTC, datetime
    return datetime.fromtimestamp(MIDNIGHT + seconds, UTC).isoformat()


def test_a_span_is_cut_out_and_read_by_zcat(log: Path) -> None:
    done = call("--log", log, "--since", day(1000), "--until", day(2000), "-o", log / "cut.gz")
    assert done.exit_code == 0 and "101 samples from 20" in done.output
    assert [sample.snapshot for sample in samples(str(log / "cut.gz"))] == NIGHT[100:201]
    assert stat.S_IMODE((log / "cut.gz").stat().st_mode) == 0o600
    lines = subprocess.run(["zcat", log / "cut.gz"], capture_output=True, check=True).stdout.splitlines()
    assert len(lines) == 101 and all(json.loads(line) for line in lines)
    again = call(log / "cut.gz", "--until", day(1100), "-o", log / "less.gz")
    assert again.exit_code == 0 and "11 samples" in again.output


def test_without_names_nothing_of_them_is_left_and_the_map_tells_what_they_became(log: Path) -> None:
    done = call("--log", log, "--anonymize", "--map", log / "map.json", "-o", log / "cut.gz")
    assert done.exit_code == 0 and "names replaced" in done.output
    text = subprocess.run(["zcat", log / "cut.gz"], capture_output=True, check=True).stdout.decode()
    assert [word for word in ("acme", "billing", "paula", "hunter2x", "4711", "mail", "example") if word in text] == []
    words = json.loads((log / "map.json").read_text())
    seen = next(samples(str(log / "cut.gz"))).snapshot.processes[11]
    assert seen.comm == f"{words['acme']}-{words['billing']}"
    assert seen.facts.exe == f"/{words['opt']}/{words['acme']}/{words['billing']}"
    assert stat.S_IMODE((log / "map.json").stat().st_mode) == 0o600
    assert [sample.snapshot.processes[11].rss_bytes for sample in samples(str(log / "cut.gz"))] == [
        seen.processes[11].rss_bytes for seen in NIGHT]


def test_a_time_without_samples_says_what_there_is(log: Path) -> None:
    done = call("--log", log, "--since", day(90_000), "-o", log / "cut.gz")
    assert done.exit_code == 1 and not (log / "cut.gz").exists()
    assert "nothing was recorded in that time; the recording goes from " in done.output


def test_what_is_there_is_not_overwritten(log: Path) -> None:
    (log / "cut.gz").write_text("mine")
    assert call("--log", log, "-o", log / "cut.gz").exit_code == 2
    assert call("--log", log, "--anonymize", "--map", log / "cut.gz", "-o", log / "new.gz").exit_code == 2
    assert (log / "cut.gz").read_text() == "mine" and not (log / "new.gz").exists()


@pytest.mark.parametrize(("words", "told"), [
    (("--log", "/nowhere/log", "-o", "x"), "there is no recording"), (("/etc/passwd", "-o", "x"), "is not a recording"),
    (("/etc/passwd", "--log", "/", "-o", "x"), "exclude each other"), (("--map", "m", "-o", "x"), "needs --anonymize"),
    (("--since", "1h", "--until", "2h", "/etc/passwd", "-o", "x"), "is later than"), ((), "Missing option")])
def test_wrong_usage_is_told_in_words(words: tuple[str, ...], told: str) -> None:
    done = call(*words)
    assert done.exit_code == 2 and told in done.output

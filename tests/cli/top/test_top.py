"""``watchdog-oom top`` as an administrator calls it: in a pipe, as JSON, and on a real terminal."""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest
from click.testing import CliRunner, Result

from tests.core.build import MIB, proc, service_state, spool_state
from tests.recorder.nights import MIDNIGHT, at, recorded_log
from watchdog_oom.cli import cli
from watchdog_oom.core.memory import Pressure, ServiceMemory
from watchdog_oom.core.model import KernelKill, Snapshot

COMMAND = [sys.executable, "-c", "from watchdog_oom.cli import main; main()"]
HOSTILE = "evil\x1b[2J\u202egnp"


def seen(count: int) -> Snapshot:
    kills = (KernelKill(77, "mysqld", "Killed process 77", 1.0),) if count == 500 else ()
    spools = {"vscan": spool_state(entries=400, stale=390, oldest_seconds=7200.0)}
    return at(MIDNIGHT + 10 * count, proc(10, "init", rss=8, age=9000.0),
              proc(11, "clamscan", rss=count, user="vscan", uid=65, unit="amavis.service", swap_bytes=3 * MIB),
              proc(12, HOSTILE, rss=1, unit=HOSTILE, user=HOSTILE), kernel_kills=kills,
              pressure=Pressure(12.5, 3.25), spools=spools,
              services={"amavis": service_state("amavis.service", memory=ServiceMemory(held_bytes=300 * MIB))})


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded_log(tmp_path_factory.mktemp("log"), [seen(count) for count in range(600)])


def day(seconds: float) -> str:
    return datetime.fromtimestamp(MIDNIGHT + seconds, UTC).isoformat()


def call(log: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["top", "--log", str(log), *words])


def test_the_page_tells_the_moment_the_host_and_who_held_what(log: Path) -> None:
    done = call(log, "--at", day(5000))
    assert done.exit_code == 0
    text = done.output
    assert re.match(r"mail\.example: 20\d\d-\d\d-\d\d \d\d:\d\d:20  by the clock\n", text)
    assert "memory available 50%" in text and "pressure over 10 s: some 12%, full 3.2%" in text
    assert "mysqld[77]" in text and "Killed by the kernel" in text
    lines = text.splitlines()
    first = lines[next(at for at, line in enumerate(lines) if line.startswith("Processes (rss first, all 3)")) + 2]
    assert first.split() == ["11", "vscan", "500", "MiB", "+360", "MiB", "3", "MiB", "22h37min", "S", "amavis.service",
                             "clamscan"]
    assert "grown: in 1h; new: was not there then" in text
    assert re.search(r"vscan +400 +390 +0 B +2h", text) and re.search(r"amavis +amavis\.service +active +300 MiB", text)


def test_names_cannot_write_to_the_terminal(log: Path) -> None:
    text = call(log, "--at", day(5000)).output
    assert "evil\\x1b[2J\\u202egnp" in text and "\x1b" not in text and "\u202e" not in text


def test_the_choice_and_the_order_are_said(log: Path) -> None:
    text = call(log, "--at", day(5000), "--sort", "age", "--user", "vscan", "-n", "1").output
    assert "Processes (age first, user vscan, all 1)" in text and "init" not in text
    assert "1 process left out: the recording does not say whose they are" in text
    assert "Processes (rss first, 1 of 3)" in call(log, "--at", day(5000), "-n", "1").output


def test_json_has_what_the_page_has(log: Path) -> None:
    found = json.loads(call(log, "--at", day(5000), "--json", "-n", "1").output)
    assert found["time"] == MIDNIGHT + 5000 and found["grown_since"] == MIDNIGHT + 1400 and found["missed"] is None
    assert found["processes"] == [{
        "pid": 11, "start_ticks": 994_000, "ppid": 1, "comm": "clamscan", "state": "S", "rss_bytes": 500 * MIB,
        "grown_bytes": 360 * MIB, "swap_bytes": 3 * MIB, "age_seconds": found["processes"][0]["age_seconds"],
        "threads": 1, "uid": 65, "user": "vscan", "unit": "amavis.service", "user_unit": None, "exe": None,
        "cmdline": None, "oom_score_adj": 0}]
    assert found["processes_chosen"] == 3 and found["kernel_kills"][0]["pid"] == 77
    assert found["spools"]["vscan"]["entries"] == 400
    assert found["services"]["amavis"]["memory"]["held_bytes"] == 300 * MIB
    assert found["pressure"] == {"some_avg10": 12.5, "full_avg10": 3.25}


def test_a_time_without_samples_shows_the_nearest_says_so_and_exits_with_1(log: Path) -> None:
    done = call(log, "--at", day(90_000))
    assert done.exit_code == 1 and done.output.count("nothing was recorded at ") == 1
    assert "Processes (" in done.output


@pytest.mark.parametrize(("content", "status", "words"), [
    (None, 2, "there is no recording"), (b"", 1, "is empty"), (b"hello", 1, "is not a recording")])
def test_what_cannot_be_shown_is_told_in_words(tmp_path: Path, content: bytes | None, status: int, words: str) -> None:
    if content is not None:
        (tmp_path / "flight").mkdir()
        (tmp_path / "flight" / "20260301T00.jsonl.gz").write_bytes(content)
    done = call(tmp_path)
    assert done.exit_code == status and words in done.output and "Traceback" not in done.output


def test_a_file_that_is_no_recording_is_wrong_usage_for_both_commands(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("hello")
    for words in (["top"], ["record", "-o", str(tmp_path / "new")]):
        done = CliRunner().invoke(cli, [*words, str(tmp_path / "f")])
        assert done.exit_code == 2 and "is not a recording" in done.output
        assert "has no sample that can be read" in done.output


def test_a_torn_recording_is_shown_with_a_word_about_it(log: Path, tmp_path: Path) -> None:
    (tmp_path / "flight").mkdir()
    for file in (log / "flight").iterdir():
        (tmp_path / "flight" / file.name).write_bytes(file.read_bytes()[:-200])
    done = call(tmp_path, "--at", day(3300))
    assert done.exit_code == 0 and "Processes (" in done.output
    assert "cut off" in call(tmp_path, "--at", day(3595)).output


class Terminal:
    """The command on a terminal of 100 × 40."""

    def __init__(self, log: Path, *words: str) -> None:
        self._main, side = os.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "TZ": "UTC"}
        self.process = subprocess.Popen([*COMMAND, "top", "--log", str(log), *words], stdin=side, stdout=side,
                                        stderr=side, close_fds=True, env=environment)
        os.close(side)

    def press(self, keys: bytes) -> None:
        os.write(self._main, keys)

    def until(self, pattern: str, seconds: float = 30.0) -> str:
        deadline, text = time.monotonic() + seconds, ""
        while time.monotonic() < deadline:
            if select.select([self._main], [], [], 0.1)[0]:
                try:
                    text += os.read(self._main, 65536).decode(errors="replace")
                except OSError:
                    break
                if re.search(pattern, text):
                    return text
        raise AssertionError(f"{pattern!r} did not come: {text[-2000:]!r}")

    def close(self) -> int:
        status = self.process.wait(timeout=30)
        os.close(self._main)
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def test_on_a_terminal_keys_go_from_sample_to_sample(log: Path) -> None:
    with Terminal(log, "--at", day(3000)) as screen:
        screen.until(r"(?s)2026-03-01 00:50:00.*left/right")
        for keys, moment in ((b"\x1b[C", "00:50:10"), (b"l", "00:50:20"), (b"\x1b[D", "00:50:10"), (b"h", "00:50:00"),
                             (b"]", "01:00:00"), (b"[", "00:50:00")):
            screen.press(keys)
            screen.until(rf"2026-03-01 {moment}")
        screen.press(b"s")
        screen.until(r"swap first")
        screen.press(b"q")
        assert screen.close() == 0

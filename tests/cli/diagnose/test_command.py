"""``watchdog-oom diagnose`` as an administrator calls it: pages, JSON, exit statuses, the running host."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
COMMAND = f"{sysconfig.get_path('scripts')}/watchdog-oom"


def test_the_page_says_plain_words_first_and_the_numbers_after_them(run: Run, log: Path) -> None:
    done = run("diagnose", log)
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0].endswith("RAM and swap were used up.")
    order = [next(place for place, line in enumerate(lines) if word in line)
             for word in ("  asked ", "  short ", "  held by ", "  killed ", "  why ", "  numbers ", "[limit.indexer]")]
    assert order == sorted(order)
    assert "vm.oom-kill = 0 was only ever" in done.output


def test_the_json_document_is_valid_and_has_the_facts_and_the_judgement(run: Run, log: Path) -> None:
    document = json.loads(run("diagnose", "--json", log).output)
    assert document["v"] == 1
    assert len(document["events"]) == 1
    event = document["events"][0]
    assert event["short"] == ["ram_and_swap"]
    assert event["kernel"] == "6.1.0-18-amd64"
    assert event["invoker"]["comm"] == "indexer"
    assert event["holders"][0]["comm"] == "indexer"
    assert event["prevention"]["policy"].startswith("[process.indexer]")
    assert document["host"] is None


def test_json_keys_are_those_of_the_reference(run: Run, log: Path, documented: Callable[[str, int], list[str]]) -> None:
    document = json.loads(run("diagnose", "--json", log).output)
    told = documented("`diagnose --json`", 0)
    assert set(told) == set(document)
    assert set(documented("`diagnose --json`", 1)) == set(document["events"][0])


def test_where_nothing_is_found_it_says_what_was_looked_for_and_ends_with_1(run: Run, tmp_path: Path) -> None:
    (tmp_path / "quiet.log").write_text("Nov 26 03:31:00 host sshd[1]: Accepted publickey\n" * 9)
    done = run("diagnose", tmp_path / "quiet.log")
    assert done.exit_code == 1
    assert "quiet.log: nothing found; looked for the kernel's OOM reports from Linux 2.4 on" in done.output
    (tmp_path / "empty.log").touch()
    assert run("diagnose", tmp_path / "empty.log").exit_code == 1
    empty = run("diagnose", "--json", tmp_path / "empty.log")
    assert empty.exit_code == 1
    assert json.loads(empty.stdout)["events"] == []


@pytest.mark.parametrize(("name", "words"), [
    ("missing", "missing: No such file or directory"), (".", "is a directory; name the log files in it")])
def test_what_is_no_log_is_refused_with_2(run: Run, tmp_path: Path, name: str, words: str) -> None:
    done = run("diagnose", tmp_path / name)
    assert done.exit_code == 2
    assert words in done.output
    assert len(done.output.splitlines()) == 1


def test_nothing_to_read_is_a_wrong_usage(run: Run) -> None:
    done = run("diagnose")
    assert (done.exit_code, done.output.count("\n")) == (2, 1)


@pytest.mark.root
def test_what_may_not_be_read_is_told_with_3(run: Run, log: Path, as_nobody: Callable[..., tuple[int, str]]) -> None:
    log.chmod(0o600)
    code, told = as_nobody(lambda: run("diagnose", log))
    assert code == 3
    assert "run this as root" in told


def test_a_sparse_binary_file_of_4_gb_is_refused_at_once(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "image").open("wb") as file:
        file.write(b"\x00\x01\x02" * 5000)
        file.truncate(4 << 30)
    begun = time.monotonic()
    done = run("diagnose", tmp_path / "image")
    assert done.exit_code == 2
    assert "this is not a text log" in done.output
    assert time.monotonic() - begun < 1


def test_standard_input_is_read_through_a_pipe(log: Path) -> None:
    done = subprocess.run([COMMAND, "diagnose", "-"], input=log.read_bytes(), capture_output=True, check=False,
                          timeout=30)
    assert done.returncode == 0
    assert b"standard input, lines 1 to" in done.stdout


def test_a_reader_that_goes_ends_it_quietly(log: Path) -> None:
    command = f"for _ in $(seq 200); do cat {log}; done | {COMMAND} diagnose - | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=50)
    assert done.stderr == ""
    assert done.stdout.endswith("RAM and swap were used up.\n")


def test_an_event_that_two_logs_have_is_told_and_counted_once(run: Run, log: Path, tmp_path: Path) -> None:
    (tmp_path / "syslog").write_bytes(log.read_bytes())
    document = json.loads(run("diagnose", "--json", log, tmp_path / "syslog").output)
    assert len(document["events"]) == 1
    assert document["copies"] == 1
    assert "1 event stands in these logs a second time, and is told once." in run("diagnose", log, log).output


def test_what_was_told_once_is_referred_to(run: Run, log: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.log"
    later.write_text(log.read_text().replace("Nov 26 03", "Nov 27 04"))
    told = run("diagnose", log, later).output
    assert told.count("[limit.indexer]") == 1
    assert "  prevention as of 1." in told
    assert "2 events, 2 kills" in told


def test_an_incident_of_three_kills_in_an_hour_is_told_as_a_series(run: Run, tmp_path: Path) -> None:
    (tmp_path / "old.log").write_text("".join(
        f"Nov  2 14:{minute}:00 host kernel: Out of Memory: Killed process {minute} (httpd).\n"
        for minute in (10, 25, 55)))
    assert "httpd was killed 3 times within an hour" in run("diagnose", tmp_path / "old.log").output


def test_hostile_names_are_escaped_on_the_page_and_whole_in_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.log").write_bytes(b"kernel: Out of memory: Killed process 5 (a\x1b[2J\x07b) total-vm:4kB, "
                                       b"anon-rss:4kB, file-rss:0kB, shmem-rss:0kB\n")
    done = run("diagnose", tmp_path / "bad.log")
    assert done.exit_code == 0
    assert "\x1b" not in done.output
    assert "\x07" not in done.output


def test_the_running_host_is_judged_and_kills_that_the_log_has_not_are_told(run: Run, tmp_path: Path) -> None:
    """With --boot, as root or not: an ordinary user is told what is missing."""
    proc = tmp_path / "proc"
    (proc / "sys/vm").mkdir(parents=True)
    (proc / "sys/vm/swappiness").write_text("0\n")
    (proc / "meminfo").write_text("MemTotal: 1000000 kB\nSwapTotal: 100000 kB\nSwapFree: 1000 kB\n")
    (proc / "vmstat").write_text("oom_kill 123456789\n")
    done = run("diagnose", "--boot", "--proc", proc)
    if done.exit_code == 3:
        pytest.skip("needs to read the kernel's log")
    assert "vm.swappiness 0: swap is used only when it is nearly too late" in done.output
    assert "nearly full now" in done.output
    assert "The kernel has counted 123456789 kills since boot" in done.output.replace("\n             ", " ")


def test_a_long_log_is_read_in_flat_memory(log: Path) -> None:
    """Sixty megabytes of other lines, and a report in the middle."""
    script = (f"import sys, resource\nfrom watchdog_oom.kernel_log.events import events_in\n"
              f"quiet = b'Nov 26 03:31:00 host sshd[1]: Accepted publickey for root\\n' * 16000\n"
              f"report = open({str(log)!r}, 'rb').read()\n"
              f"def pieces():\n    for number in range(60):\n        yield quiet\n"
              f"        if number == 30:\n            yield report\n"
              f"before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
              f"found = list(events_in(pieces()))\n"
              f"print(len(found), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=55)
    assert done.stderr == ""
    events, grown_kib = map(int, done.stdout.split())
    assert events == 1
    assert grown_kib < 16 * 1024

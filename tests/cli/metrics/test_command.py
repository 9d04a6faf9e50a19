"""``watchdog-oom metrics`` as it is typed, and its text as Prometheus judges it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from click.testing import Result

from tests.cli.metrics.test_textfile import wait_for
from tests.cli.metrics.told import outcome, samples_of, value_of, write_journal
from tests.miniature.daemon import MakeDaemon
from watchdog_oom.host.clock import boot_id

Run = Callable[..., Result]
COMMAND = [sys.executable, "-c", "from watchdog_oom.cli import main; main()", "metrics"]
SPOOLS = '[spool.a]\npath = "{home}"\nentries = "x-*"\nstale_after = "1h"\n[clean.a]\nspool = "a"\nevery = "1d"\n'


def test_without_an_option_it_prints_what_the_parser_of_prometheus_reads(run: Run, tmp_path: Path) -> None:
    write_journal(tmp_path / "log", [outcome('limit."a\\b', True)], boot=boot_id())
    found = run("metrics", "--runtime", tmp_path, "--log", tmp_path / "log")
    assert found.exit_code == 0
    assert value_of(found.output, "acts_total", rule='limit."a\\b', result="ok") == 1
    assert len(samples_of(found.output)) > 10


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (apt: prometheus)")
def test_promtool_finds_nothing_to_say_of_the_metrics_of_a_real_daemon(daemon: MakeDaemon, run: Run,
                                                                      tmp_path: Path) -> None:
    watch = daemon(SPOOLS.format(home=tmp_path / "daemon"))
    watch.start("--observe")
    found = run("metrics", *watch.options("runtime", "log"))
    assert value_of(found.output, "up") == 1
    judged = subprocess.run(["promtool", "check", "metrics"], input=found.output, capture_output=True, text=True,
                            timeout=30, check=False)
    assert (judged.returncode, judged.stdout + judged.stderr) == (0, "")


def test_once_writes_the_file_of_node_exporter(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "watchdog_oom.prom"
    assert run("metrics", "--runtime", tmp_path, "--log", tmp_path, "--textfile", path, "--once").exit_code == 0
    assert value_of(path.read_text(), "up") == 0


def test_it_answers_over_http(tmp_path: Path) -> None:
    with (tmp_path / "errors").open("wb") as errors:
        server = subprocess.Popen([*COMMAND, "--runtime", tmp_path, "--log", tmp_path, "--listen", "127.0.0.1:0"],
                                  stderr=errors)
    try:
        port = listening_port(server.pid)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            assert value_of(answer.read().decode(), "up") == 0
    finally:
        server.kill()
        server.wait()


def listening_port(pid: int) -> int:
    process, found = psutil.Process(pid), list[int]()

    def listens() -> bool:
        found[:] = [one.laddr.port for one in process.net_connections() if one.status == "LISTEN"]
        return bool(found)

    wait_for(listens)
    return found[0]


@pytest.mark.parametrize(("options", "words"), [
    (("--once",), "are about --textfile"), (("--every", "5s"), "are about --textfile"),
    (("--textfile", "a.prom", "--listen", "127.0.0.1:1"), "exclude each other"),
    (("--textfile", "a.prom", "--once", "--every", "5s"), "exclude each other"),
    (("--textfile", "a.prom", "--every", "soon"), "--every soon"),
    (("--textfile", "a.prom", "--every", "100ms"), "once a second at most"),
    (("--textfile", "a.txt", "--once"), "end with .prom"),
    (("--listen", "0.0.0.0:9763"), "only loopback")])
def test_options_that_do_not_fit_are_told(run: Run, options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    done = run("metrics", "--runtime", tmp_path, "--log", tmp_path, *options)
    assert done.exit_code == 2
    assert words in done.output


def test_who_may_not_read_the_journal_is_told_so(tmp_path: Path, run: Run,
                                                 as_nobody: Callable[[Callable[[], Result]], tuple[int, str]]) -> None:
    (tmp_path / "log").mkdir(mode=0o700)
    status, told = as_nobody(lambda: run("metrics", "--runtime", tmp_path, "--log", tmp_path / "log"))
    assert status == 3
    assert "only root may read the journal" in told

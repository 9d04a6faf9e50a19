"""``status --watch``: what a window shows of a page, and a real command on a real terminal."""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from watchdog_oom.cli.status.page import page_of
from watchdog_oom.cli.status.rules_near import NearRules
from watchdog_oom.cli.status.seen import Seen
from watchdog_oom.cli.status.watch import cropped, framed
from watchdog_oom.cli.terminal.watch_state import WatchState
from watchdog_oom.core.policy import Policy
from watchdog_oom.daemon.atomic_file import replace_file
from watchdog_oom.explain.closeness import Closeness

NOW = 1_800_000_000.0
COMMAND = [sys.executable, "-c", "from watchdog_oom.cli import main; main()"]


def status(*, wrong: int = 1, name: str = "amavis") -> dict[str, Any]:
    held = {"state": "held", "mode": "act", "attempts": 3, "attempts_allowed": 3, "per_seconds": 3600,
            "held_until": NOW + 60}
    return {"v": 1, "pid": 9, "written": NOW, "started": NOW - 60,
            "recoveries": {f"{name}{n}": held for n in range(wrong)},
            "memory": {"total_bytes": 1 << 31, "available_bytes": 1 << 28, "available_percent": 12.5,
                       "swap_total_bytes": 1 << 30, "swap_free_bytes": 1 << 20, "swap_free_percent": 0.1},
            "pressure": {"some_avg10": 40, "full_avg10": 22},
            "spools": {f"spool{n}": {"path": "/s", "entries": n} for n in range(6)}}


def seen(width: int | None, *, name: str = "clamscan", rows: int = 8) -> Seen:
    near = NearRules(Policy(), tuple(Closeness(f"limit.{name}{n}", n / 4, f"{name} holds so much")
                                     for n in reversed(range(7))))
    largest = [(str(n), "root", "-", "300 MiB", "+4 MiB", "-", "12%", "2h", "-", name) for n in range(rows)]
    acts = [{"time": "2026-11-26T10:00:00Z", "kind": "outcome", "step": f"TERM {name}[{n}]", "result": "TERM sent",
             "rule": "limit.x", "ok": True} for n in range(9)]
    return Seen(near=near, largest=largest, sorted_by="memory", actions=acts, width=width)


def window(columns: int, rows: int, state: WatchState | None = None, **more: Any) -> list[str]:
    page = page_of(status(**more), NOW, seen(columns))
    return framed(page, state or WatchState(), columns, rows)[0].text().splitlines()


@pytest.mark.parametrize(("columns", "rows"), [(40, 24), (80, 24), (200, 50)])
def test_a_window_begins_with_what_is_wrong_then_shows_what_is_near_and_ends_with_the_keys(columns: int,
                                                                                         rows: int) -> None:
    lines = window(columns, rows)
    assert len(lines) == rows
    titles = [line for line in lines if line in ("Needs attention", "Host", "Nearest to acting", "Last actions")]
    assert titles == ["Needs attention", "Host", "Nearest to acting", "Last actions"]
    assert lines[2].startswith("  recover.amavis0 is held until")
    assert "q quit" in lines[-1]


def test_a_large_window_shows_everything_and_a_small_one_names_what_is_below() -> None:
    assert not any("…" in line for line in window(200, 60))
    assert window(80, 24)[-2].startswith("… below: ")


def test_scrolling_leaves_what_is_wrong_where_it_is_and_comes_to_the_end() -> None:
    page = page_of(status(), NOW, seen(80))
    _, last = framed(page, WatchState(), 80, 24)
    lines = framed(page, WatchState(top=last), 80, 24)[0].text().splitlines()
    assert lines[1:3] == window(80, 24)[1:3]
    assert lines[-2] == page.text().splitlines()[-1]
    assert len(lines) == 24


@given(columns=st.integers(20, 220), rows=st.integers(2, 60), top=st.integers(0, 200), wrong=st.integers(0, 30),
       name=st.text(max_size=60), paused=st.sampled_from(["", "12:00:00"]))
def test_no_window_is_overrun_whatever_processes_are_called(columns: int, rows: int, top: int, wrong: int, name: str,
                                                            paused: str) -> None:
    page = page_of(status(wrong=wrong, name=name), NOW, seen(columns, name=name))
    shown, last = framed(page, WatchState(top=top, paused=paused), columns, rows)
    console = Console(file=io.StringIO(), width=columns, height=rows, highlight=False, color_system=None)
    lines = ["".join(part.text for part in line) for line in console.render_lines(cropped(shown), pad=False)]
    assert len(lines) == rows
    assert all(cell_len(line) <= columns for line in lines)
    assert last >= 0


def test_without_colour_and_without_bars_the_words_say_everything() -> None:
    gauges = page_of(status(), NOW, seen(None)).text()
    assert "swap free 0.1% (1 MiB); emergency below 10%, PASSED" in gauges
    assert "150%  limit.clamscan6  clamscan holds so much" in gauges
    assert "[=" not in gauges


class Watching:
    """The command on a pseudo terminal of a given size, and all that it has drawn."""

    def __init__(self, runtime: Path, rows: int = 24, columns: int = 80, **more: str) -> None:
        self.ours, self.theirs = os.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.theirs)
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")}
        self.program = subprocess.Popen([*COMMAND, "status", "--watch", "--runtime", str(runtime)], stdin=self.theirs,
                                        stdout=self.theirs, stderr=self.theirs, preexec_fn=_heed_ctrl_c,
                                        env={**environment, "TERM": "xterm", **more})
        self.drawn = b""

    def until(self, words: str, what: Callable[[bytes], bytes] = lambda drawn: drawn) -> None:
        """Read on until the words stand in what was drawn since the last call."""
        deadline = time.monotonic() + 20
        fresh = b""
        while words.encode() not in what(fresh):
            assert time.monotonic() < deadline, f"{words}: waited in vain in {self.drawn[-3000:].decode()!r}"
            if select.select([self.ours], [], [], 0.5)[0]:
                fresh += os.read(self.ours, 1 << 16)
        self.drawn += fresh

    def key(self, typed: bytes) -> None:
        os.write(self.ours, typed)

    def close(self) -> None:
        self.program.kill()
        self.program.wait()
        os.close(self.ours)
        os.close(self.theirs)


def _heed_ctrl_c() -> None:
    """Tests that a shell runs in the background inherit that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Path]:
    """The runtime directory of a daemon, whose lock this test holds."""
    with open(tmp_path / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        write(tmp_path, 77)
        yield tmp_path


def write(runtime: Path, processes: int) -> None:
    told = {**status(), "written": time.time(), "started": time.time() - 9, "processes": processes, "spools": {}}
    assert replace_file(f"{runtime}/status.json", json.dumps(told).encode(), 0o644)


@pytest.fixture
def watching(runtime: Path) -> Iterator[Watching]:
    watching = Watching(runtime)
    watching.until("77 processes")
    yield watching
    watching.close()


def test_q_ends_it_with_0_and_the_terminal_and_its_screen_are_as_before(watching: Watching) -> None:
    assert termios.tcgetattr(watching.theirs) != watching.before
    watching.key(b"q")
    watching.until("\x1b[?1049l")  # back from the alternate screen
    assert watching.program.wait(20) == 0
    assert termios.tcgetattr(watching.theirs) == watching.before
    assert b"\x1b[?25h" in watching.drawn[watching.drawn.rindex(b"\x1b[?25l"):]  # the cursor is seen again


def test_space_holds_the_view_while_the_daemon_goes_on_and_space_takes_it_up(runtime: Path,
                                                                              watching: Watching) -> None:
    watching.key(b" ")
    watching.until("PAUSED at ")
    write(runtime, 88)
    watching.key(b"\x1b[B")  # whatever is drawn now is still the old page
    watching.until("PAUSED at ")
    assert b"88 processes" not in watching.drawn
    watching.key(b" ")
    watching.until("88 processes")


def test_s_sorts_the_largest_processes_by_something_else(watching: Watching) -> None:
    watching.key(b"s")
    watching.until("s sort: swap")
    watching.key(b"ss")
    watching.until("s sort: name")


def test_sigterm_gives_the_terminal_back(watching: Watching) -> None:
    watching.program.send_signal(signal.SIGTERM)
    assert watching.program.wait(20) == 0
    assert termios.tcgetattr(watching.theirs) == watching.before


def test_no_color_draws_without_a_single_colour(runtime: Path) -> None:
    watching = Watching(runtime, NO_COLOR="1")
    try:
        watching.until("77 processes")
        colours = re.findall(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|9[0-7]|4[0-7])m", watching.drawn)
        assert colours == []
        assert b"[====" in watching.drawn
    finally:
        watching.close()


def test_a_terminal_that_says_it_is_dumb_gets_lines_and_no_bars(runtime: Path) -> None:
    watching = Watching(runtime, TERM="dumb")
    try:
        watching.until("Health")
        assert b"\x1b" not in watching.drawn
        assert b"[====" not in watching.drawn
    finally:
        watching.close()

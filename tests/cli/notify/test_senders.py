"""Programs that take a message, or do not."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.notify.made import NOW
from watchdog_oom.cli.notify.messages import trial
from watchdog_oom.cli.notify.senders import send
from watchdog_oom.cli.notify.settings import NotifyTarget

Program = Callable[[str, str], Path]
# As apprise says what is wrong.
LOGGED = """
for line in ("INFO - begins", "ERROR - no such file", "WARNING - nobody to tell"):
    print("2026-11-27 03:16:09,331 -", line)
raise SystemExit("Usage: ...")
"""


def sent(path: Path | str, *arguments: str, seconds: float = 10.0) -> str:
    Path(path).parent.chmod(0o755) if Path(path).exists() else None
    return send(NotifyTarget("t", run=(str(path), *arguments)), trial("h", NOW), "h", NOW, seconds)


@pytest.mark.parametrize(("text", "error"), [
    ("import sys; sys.stdin.read()", ""),
    ("", ""),  # it does not even read
    ("print('\\x1b[2Jno room'); raise SystemExit(75)", ": exit status 75: \\x1b[2Jno room"),
    ("print('x' * 3000 + '\\nthe end'); raise SystemExit(1)", ": exit status 1: the end"),
    ("print('x' * 10**6 + '\\nthe end'); raise SystemExit(1)", f": exit status 1: {'x' * 300}"),
    ("import os; os.kill(os.getpid(), 9)", ": signal 9"),
    (LOGGED, ": exit status 1: no such file; nobody to tell"),
])
def test_the_programs_own_word_decides(program: Program, text: str, error: str) -> None:
    path = program("hook", text)
    assert sent(path) == (f"{path}{error}" if error else "")


def test_one_that_hangs_is_killed_with_what_it_started(program: Program, tmp_path: Path) -> None:
    path = program("hook", "import os, time\nif os.fork() == 0:\n  pass\n"
                           f"open({str(tmp_path)!r} + f'/pid{{os.getpid()}}', 'w')\ntime.sleep(60)")
    assert sent(path, seconds=1.0) == f"{path} did not end within 1s"
    deadline = time.monotonic() + 10
    for pid in (int(found.name[3:]) for found in tmp_path.glob("pid*")):
        while os.path.exists(f"/proc/{pid}/exe") and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not os.path.exists(f"/proc/{pid}/exe") or b"hook" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_what_one_that_hangs_said_before_is_told(program: Program) -> None:
    path = program("hook", "import time\nprint('queue: Permission denied', flush=True)\ntime.sleep(60)")
    assert sent(path, seconds=1.0) == f"{path} did not end within 1s: queue: Permission denied"


def test_one_that_leaves_a_child_behind_to_deliver_has_done_it(program: Program) -> None:
    path = program("hook", "import os, time\nif os.fork() == 0:\n  time.sleep(5)\n")
    began = time.monotonic()
    assert sent(path) == ""
    assert time.monotonic() - began < 5


def test_what_it_leaves_behind_may_print_for_ever_and_fills_no_memory(program: Program, tmp_path: Path) -> None:
    path = program("hook", "import os, sys, time\nif os.fork() == 0:\n"
                           f"  open({str(tmp_path)!r} + '/pid', 'w').write(str(os.getpid()))\n"
                           f"  for number in range(600):\n    os.write(1, bytes(1 << 16)); time.sleep(0.01)\n"
                           f"    open({str(tmp_path)!r} + '/printed', 'w').write(str(number))\n")
    assert sent(path) == ""
    deadline = time.monotonic() + 10
    while not (tmp_path / "printed").exists() or int((tmp_path / "printed").read_text() or "0") < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    pid = int((tmp_path / "pid").read_text())
    try:
        assert os.readlink(f"/proc/{pid}/fd/1").startswith("pipe:"), "a file would grow as long as it lives"
    finally:
        os.kill(pid, 9)


def test_one_that_is_not_there_or_belongs_to_others_is_not_run(program: Program) -> None:
    assert sent("/nowhere/hook") == "/nowhere/hook: cannot be run: No such file or directory"
    path = program("hook", "")
    path.chmod(0o777)
    assert "is writable by its group and others" in sent(path)


def test_it_gets_a_clean_environment(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    assert sent(program("hook", "import os; raise SystemExit('SECRET' in os.environ)")) == ""

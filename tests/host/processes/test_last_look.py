"""What is read of processes right before somebody is ended."""

from __future__ import annotations

from pathlib import Path

from watchdog_oom.host.processes.last_look import quick_look, slow_look


def made(root: Path) -> str:
    (root / "pressure").mkdir()
    for name, text in (("meminfo", b"MemTotal: 1 kB\n"), ("pressure/memory", b"some avg10=0.00\n"),
                       ("7/status", b"Name:\ta\xff) Z 1 (\n"), ("7/wchan", b"0"), ("7/cgroup", b"0::/x\n"),
                       ("7/smaps_rollup", b"Rss: 4 kB\n"), ("8/smaps_rollup", b"Rss: " + b"9" * 100_000)):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(text)
    return str(root)


def test_what_is_had_at_once_comes_by_name_and_who_is_gone_is_left_out(tmp_path: Path) -> None:
    assert dict(quick_look(made(tmp_path), (7, 9))) == {
        "meminfo": "MemTotal: 1 kB\n", "pressure/memory": "some avg10=0.00\n", "7/status": "Name:\ta\\xff) Z 1 (\n",
        "7/wchan": "0", "7/cgroup": "0::/x\n"}


def test_pages_are_walked_of_nobody_who_ends_in_a_hurry_and_no_text_is_endless(tmp_path: Path) -> None:
    root = made(tmp_path)
    assert dict(slow_look(root, (7, 8), {8})) == {"7/smaps_rollup": "Rss: 4 kB\n"}
    assert len(dict(slow_look(root, (8,), ()))["8/smaps_rollup"]) == 16384

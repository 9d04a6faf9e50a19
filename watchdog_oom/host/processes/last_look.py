"""What is read of processes right before somebody is ended, so that it can be understood afterwards.

In a child only: ``smaps_rollup`` waits for a lock that the process's user can hold.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from watchdog_oom.host.processes.procfs import read_file

QUICK = ("status", "wchan", "cgroup")
SLOW = "smaps_rollup"
HOST = ("meminfo", "pressure/memory")
_MOST_BYTES = 16 << 10


def quick_look(root: str, pids: Iterable[int]) -> Iterator[tuple[str, str]]:
    """What is had at once: texts by name, as ``4711/status``."""
    for name in (*HOST, *(f"{pid}/{name}" for pid in pids for name in QUICK)):
        yield from _text(root, name)


def slow_look(root: str, pids: Iterable[int], hurried: Container[int]) -> Iterator[tuple[str, str]]:
    """What makes the kernel walk through pages. It holds the memory of whoever is read meanwhile, so those who are
    being ended in a hurry are left alone."""
    for pid in pids:
        if pid not in hurried:
            yield from _text(root, f"{pid}/{SLOW}")


def _text(root: str, name: str) -> Iterator[tuple[str, str]]:
    try:
        content = read_file(f"{root}/{name}", _MOST_BYTES)
    except OSError:
        return
    if content:
        yield name, content.decode("utf-8", "backslashreplace")

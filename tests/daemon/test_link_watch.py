"""A link that leads elsewhere is noticed by a child, without a change of any policy file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import psutil
import pytest

from watchdog_oom.daemon.link_watch import LinkWatch

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: others' links are not followed")


@pytest.fixture
def link() -> Iterator[Path]:
    """A link of root's to ``old``, beside which is ``new``."""
    path = Path(mkdtemp(prefix="watchdog-oom-test-", dir="/var/lib"))
    path.chmod(0o755)
    for name in ("old", "new"):
        (path / name).write_text("")
        (path / name).chmod(0o755)
    (path / "link").symlink_to("old")
    yield path / "link"
    for entry in path.iterdir():
        entry.unlink()
    path.rmdir()


def _until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def _ir(link: Path) -> dict[str, object]:
    return {"process": {"p": {"exe": (str(link),)}}, "links": {str(link): str(link.parent / "old")}}


def test_a_switched_link_is_news_once_and_switched_back_it_is_again(link: Path) -> None:
    watch = LinkWatch(again_seconds=0.02)
    watch.adopt(_ir(link))
    began = time.monotonic()
    while time.monotonic() - began < 0.3:
        assert not watch.changed()
        time.sleep(0.01)
    for target in ("new", "old"):
        link.unlink()
        link.symlink_to(target)
        _until(watch.changed)
        assert not watch.changed()


def test_without_any_executable_no_child_is_started() -> None:
    watch = LinkWatch(again_seconds=0.0)
    watch.adopt({"process": {"p": {"name": ("x",)}}})
    before = psutil.Process().children()
    for _ in range(20):
        assert not watch.changed()
    assert psutil.Process().children() == before

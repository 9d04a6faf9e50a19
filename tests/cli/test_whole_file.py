"""Files of the commands are replaced whole, and nothing that lies in the way is written to."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchdog_oom.cli.whole_file import replace_text


def test_the_file_has_the_new_text_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_text("the old one, which is longer")
    replace_text(str(path), "the new one")
    assert path.read_text() == "the new one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_where_the_new_file_is_made_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "it.new").symlink_to(victim)
    with pytest.raises(OSError, match=r"it\.new"):
        replace_text(str(tmp_path / "it"), "text")
    assert victim.read_text() == "mine"

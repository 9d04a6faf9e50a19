"""Files of the commands are replaced whole, and nothing that lies in the way is written to."""

from __future__ import annotations

import os
from pathlib import Path

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
    replace_text(str(tmp_path / "it"), "text")
    assert victim.read_text() == "mine"
    assert (tmp_path / "it").read_text() == "text"
    assert not (tmp_path / "it").is_symlink()


def test_a_pipe_in_the_way_does_not_make_it_wait_and_a_file_of_others_does_not_become_the_new_one(
        tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "it.new")
    replace_text(str(tmp_path / "it"), "text")
    planted = (tmp_path / "it.new").open("w+")
    with planted:
        replace_text(str(tmp_path / "it"), "newer")
        planted.write("what its owner writes")
        planted.flush()
    assert (tmp_path / "it").read_text() == "newer"

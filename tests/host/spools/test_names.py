from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.host.spools.names import entry_matcher, trash_prefix_of


def test_globs_match_whole_names_in_bytes_that_are_no_text_too() -> None:
    is_entry = entry_matcher(("amavis-*", "p0[0-9]"))
    assert is_entry("amavis-\udcff\n")
    assert is_entry("p07")
    assert not is_entry("xamavis-1")
    assert not is_entry("p07x")


def test_a_leading_dot_is_matched_only_by_a_glob_with_a_dot() -> None:
    assert not entry_matcher(("*",))(".hidden")
    assert entry_matcher((".hid*",))(".hidden")


@given(st.integers(min_value=0), st.text(alphabet="0123456789abcdef"), st.sampled_from(["*", ".*", ".w*", "[.]*"]))
def test_trash_never_is_an_entry(inode: int, token: str, glob: str) -> None:
    assert not entry_matcher((glob,))(trash_prefix_of(inode) + token)

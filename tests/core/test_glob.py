"""Globs: what they mean, and that no text makes one slow."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.glob import glob_pattern


@pytest.mark.parametrize(("glob", "path", "yes", "no"), [
    ("amavis-*", False, ["amavis-", "amavis-1/2"], ["xamavis-", "amavis"]),
    ("/usr/*/clamscan", True, ["/usr/bin/clamscan"], ["/usr/local/bin/clamscan", "/usr//bin/clamscan"]),
    ("/usr/**/clamscan", True, ["/usr/bin/clamscan", "/usr/local/bin/clamscan"], ["/usr/clamscan"]),
    ("/bin/?sh", True, ["/bin/bsh"], ["/bin//sh", "/bin/sh"]),
    ("[!a]x", False, ["bx", "/x"], ["ax", "x"]),
    ("/[!a]x", True, ["/bx"], ["/ax", "//x"]),
    ("/[!-a]x", True, ["/bx"], ["/ax", "/-x", "//x"]),
    ("/[/a]x", True, ["/ax"], ["//x"]),
    ("[]a]", False, ["]", "a"], ["b", "[]a]"]),
    ("[!]a]", False, ["b"], ["]", "a"]),
    ("[^a]", False, ["b"], ["a"]),
    ("[a^]", False, ["^", "a"], ["b"]),
    ("[a&&b]", False, ["&", "a"], ["c"]),
    ("[+--]", False, ["+", ",", "-"], ["/", "*"]),
    ("[--/]", False, ["-", ".", "/"], ["0", ","]),
    ("[a-]", False, ["a", "-"], ["b"]),
    ("[[:x]", False, ["[", ":"], ["y"]),
    ("[\\d]", False, ["\\", "d"], ["1"]),
    ("a[", False, ["a["], ["a"]),
    ("[!]", False, ["[!]"], ["a"]),
    ("a.b+", False, ["a.b+"], ["axb", "a.bb"]),
    ("x*", False, ["x\n\udcff"], []),
])
def test_globs_match_as_in_a_shell(glob: str, path: bool, yes: list[str], no: list[str]) -> None:
    pattern = glob_pattern(glob, path=path)
    assert [text for text in yes if not pattern.fullmatch(text)] == []
    assert [text for text in no if pattern.fullmatch(text)] == []


@given(glob=st.text("ab]![*?.&|", max_size=8), text=st.text("ab]![.&", max_size=5))
def test_any_glob_compiles_and_means_what_fnmatch_means(glob: str, text: str) -> None:
    assert bool(glob_pattern(glob).fullmatch(text)) is fnmatch.fnmatchcase(text, glob)


def _by_definition(glob: str, text: str) -> bool:
    """A path glob without classes, tried in all ways: what the stars may cover, one character after the other."""
    if not glob:
        return not text
    if glob.startswith("**"):
        return any(_by_definition(glob[2:], text[at:]) for at in range(len(text) + 1))
    if glob[0] == "*":
        within = text.find("/") if "/" in text else len(text)
        return any(_by_definition(glob[1:], text[at:]) for at in range(within + 1))
    if not text or (text[0] == "/" and glob[0] == "?"):
        return False
    return glob[0] in ("?", text[0]) and _by_definition(glob[1:], text[1:])


@given(glob=st.lists(st.sampled_from(["a", "b", "/", "*", "**", "?", "/*", "ab"]), max_size=9).map("".join),
       text=st.text("ab/", max_size=12))
def test_a_path_glob_matches_exactly_what_some_choice_for_its_stars_matches(glob: str, text: str) -> None:
    assert bool(glob_pattern(glob, path=True).fullmatch(text)) is _by_definition(glob, text)


@given(text=st.text("ab/", max_size=14), between=st.text("ab/", max_size=6))
def test_a_path_made_for_the_glob_matches_it(text: str, between: str) -> None:
    glob = "/**a*b/*?**/" + between.replace("/", "") + "*"
    made = f"/{text}a{between.replace('/', '')}b/b{text}/{between.replace('/', '')}"
    assert glob_pattern(glob, path=True).fullmatch(made)


@pytest.mark.parametrize(("glob", "path", "text"), [
    ("*-*-*-*-*.tmp", False, "-" * 250),
    ("*a*b*c*d*e*f", False, "abcde" * 50),
    ("*" + "?a*" * 20 + "z", False, "a" * 255),
    ("**/*-*-*-*-*/x", True, ("/" + "-" * 250) * 16),
    ("**a**a**a**a**a**b", True, "a" * 4096),
    ("**a*a*a*a*a**b*c**/z", True, ("/" + "ab" * 125) * 16),
])
def test_no_name_makes_a_glob_slow(glob: str, path: bool, text: str) -> None:
    pattern = glob_pattern(glob, path=path)
    began = time.process_time()
    for _ in range(10):
        assert not pattern.fullmatch(text)
    assert time.process_time() - began < 1.0

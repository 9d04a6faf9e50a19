"""Directories and files to one policy: which files count, how they merge, and all faults at once."""

from __future__ import annotations

import marshal
import os
import signal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import at_most
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Emergency
from watchdog_oom.errors import Fault, PolicyError
from watchdog_oom.paths import POLICIES
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.files import Gathered, files_of
from watchdog_oom.policy.load import DEFAULT_POLICY, Loaded, check_documents, load_policy


def load(*paths: Path) -> Loaded:
    return load_policy([str(path) for path in paths if path.is_dir()], [str(path) for path in paths if path.is_file()],
                       check_ownership=False)


def faults_of(*paths: Path) -> tuple[Fault, ...]:
    with pytest.raises(PolicyError) as refused:
        load(*paths)
    return refused.value.faults


def test_files_are_read_in_order_of_name_over_all_directories(tmp_path: Path) -> None:
    for name in ("one/20-b.toml", "one/10-a.toml", "two/15-c.toml", "two/10-a.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f'description = "{name}"\n')
    loaded = load(tmp_path / "one", tmp_path / "two")
    expected = ["one/10-a.toml", "two/10-a.toml", "two/15-c.toml", "one/20-b.toml"]
    assert loaded.sources == tuple(str(tmp_path / name) for name in expected)
    assert loaded.ir["description"] == "; ".join(expected)


def test_whatever_is_not_called_like_a_policy_is_ignored_and_named(tmp_path: Path) -> None:
    ignored = [".hidden.toml", "a.toml.bak", "a.toml~", "README", "a b.toml", "ü.toml", ".toml", "x.TOML", "b.toml\n"]
    for name in ignored:
        (tmp_path / name).write_text("this is not TOML")
    with open(os.fsencode(tmp_path) + b"/caf\xe9.toml", "w", encoding="utf-8"):
        pass
    (tmp_path / "good_1-a.toml").write_text("")
    gathered = files_of([str(tmp_path)])
    assert gathered.paths == [str(tmp_path / "good_1-a.toml")]
    notes = "\n".join(gathered.notes)
    assert len(gathered.notes) == len(ignored) + 1
    assert all(name.rstrip("\n") in notes for name in ignored)
    assert "caf\\udce9.toml" in notes
    assert gathered.faults == []


def test_a_later_table_replaces_an_earlier_one_whole(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[process.p]\nexe = "/bin/p"\nuser = "root"\n[emergency]\nprefer = "p"\n')
    (tmp_path / "b.toml").write_text('[process.p]\nname = "p"\n[emergency]\nmode = "observe"\n')
    ir = load(tmp_path).ir
    assert ir["process"] == {"p": {"name": ("p",)}}
    assert ir["emergency"] == {"mode": "observe"}


def test_a_file_may_use_the_nouns_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[limit.l]\nprocess = "p"\ncount = 3\n')
    (tmp_path / "b.toml").write_text('[process.p]\nname = "p"\n')
    assert build_policy(load(tmp_path).ir).limits["l"].count == 3


def test_what_a_replaced_table_referred_to_need_not_exist(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[process.p]\nname = "p"\n[limit.l]\nprocess = "gone"\ncount = 3\n')
    (tmp_path / "b.toml").write_text('[limit.l]\nprocess = "p"\ncount = 4\n')
    assert load(tmp_path).ir["limit"]["l"]["count"] == 4


def test_all_faults_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[proces.p]\nname = "p"\n'
                                     '[limit.l]\nprocess = "q"\nrss = "4M"\nruntime = 5\nx = 1\n')
    (tmp_path / "b.toml").write_text('[process.q]\nexe = "q"\ncmdline = "("\n\n[spool.s]\n')
    (tmp_path / "c.toml").write_text("[process.c\n")
    (tmp_path / "d.toml").write_bytes(b"# \xff\n")
    (tmp_path / "e.toml").symlink_to("nowhere")
    (tmp_path / "f.toml").write_text('[recover.r]\nwhen = [{ process = "nobody" }]\nsteps = [{ stop = ["no"] }, {}]\n')
    faults = faults_of(tmp_path)
    places = [(os.path.basename(fault.file), fault.line) for fault in faults]
    assert places == [("a.toml", 1), ("a.toml", 5), ("a.toml", 6), ("a.toml", 7), ("b.toml", 2), ("b.toml", 3),
                      ("b.toml", 5), ("b.toml", 5), ("b.toml", 5), ("c.toml", 1), ("d.toml", 1), ("e.toml", 0),
                      ("f.toml", 2), ("f.toml", 2), ("f.toml", 3), ("f.toml", 3)]


def test_what_a_file_with_a_syntax_error_defines_does_not_dangle(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[process.p]\nname = "p\n[ spool . "s" ]\n')
    (tmp_path / "b.toml").write_text('[process.q]\nparent = "p"\nunder = "s"\n')
    fault, = faults_of(tmp_path)
    assert fault.file.endswith("a.toml")
    assert "a quote is missing" in fault.what


def test_without_any_policy_file_the_shipped_default_is_used_and_named(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("")
    loaded = load(tmp_path)
    assert loaded.sources == (DEFAULT_POLICY,)
    assert any(DEFAULT_POLICY in note for note in loaded.notes)
    assert "sshd" in loaded.ir["protect"]


def test_an_empty_policy_file_counts_and_leaves_only_the_emergency(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("# nothing\r\n")
    policy = build_policy(load(tmp_path).ir)
    assert policy.emergency == Emergency(Size(percent=8.0), Size(percent=10.0))
    assert not policy.protects


def test_a_directory_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="typo: the policy directory cannot be read: No such file"):
        load_policy([str(tmp_path / "typo")])


@pytest.mark.skipif(os.path.exists(POLICIES), reason="a policy is installed on this host")
def test_the_directory_that_everybody_has_may_be_missing() -> None:
    assert load_policy([POLICIES + "/"], check_ownership=False).sources == (DEFAULT_POLICY,)


def test_a_fifo_a_directory_and_a_device_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.toml")
    (tmp_path / "b.toml").mkdir()
    (tmp_path / "c.toml").symlink_to("/dev/zero")
    signal.alarm(10)
    try:
        faults = faults_of(tmp_path)
    finally:
        signal.alarm(0)
    assert [fault.what for fault in faults] == ["cannot be read: it is not a regular file"] * 3


def test_an_enormous_file_is_refused_unread(tmp_path: Path) -> None:
    with open(tmp_path / "a.toml", "wb") as file:
        file.truncate(1 << 40)
    fault, = faults_of(tmp_path)
    assert "larger than 1 MiB" in fault.what


def test_a_name_longer_than_the_kernel_keeps_is_warned_of(tmp_path: Path) -> None:
    names = '["systemd-journald", "systemd-journal", "systemd*journald"]'
    (tmp_path / "a.toml").write_text(f"[process.p]\n\nname = {names}\n")
    warning, = load(tmp_path).warnings
    assert f"{tmp_path}/a.toml:3: [process.p] name: " in str(warning)
    assert 'write "systemd-journal"' in warning.what


def test_what_a_later_file_replaced_is_not_warned_of(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[process.p]\nname = "systemd-journald"\n')
    (tmp_path / "b.toml").write_text('[process.p]\nname = "systemd-journal"\n')
    assert load(tmp_path).warnings == ()


def test_names_of_another_noun_in_the_clause_of_a_kernel_kill_are_resolved_and_any_is_not(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[recover.r]\nsteps = [{ wait = "1s" }]\n'
                                     'when = [{ kernel_oom_kill = "any" },\n{ kernel_oom_kill = "my" }]\n')
    fault, = faults_of(tmp_path)
    assert fault.line == 4


def test_control_characters_in_names_are_escaped_in_faults(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[process.p]\nname = "p"\n"\\u001b[2J" = 1\n["\\u001b[31m"]\n')
    assert all("\x1b" not in str(fault) for fault in faults_of(tmp_path))


def test_the_plain_values_survive_marshal(tmp_path: Path) -> None:
    loaded = load_policy(files=[os.path.join(os.path.dirname(DEFAULT_POLICY), "mail-server.toml"), DEFAULT_POLICY],
                         check_ownership=False)
    copied = marshal.loads(marshal.dumps(loaded.ir))
    assert copied == loaded.ir
    assert build_policy(copied) == build_policy(loaded.ir)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_whatever_break_the_loader(data: bytes) -> None:
    check_documents([("x.toml", data)], Gathered())


_WORDS = st.sampled_from(["process", "limit", "recover", "when", "steps", "emergency", "service", "probe", "name", "1"])
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3), max_leaves=12)


@settings(max_examples=at_most(40), deadline=None)
@given(st.dictionaries(_WORDS, st.dictionaries(_WORDS, st.dictionaries(
    st.sampled_from(["when", "steps", "exe", "rss", "probe", "hours", "attempts", "process", "path"]), _ANY))))
def test_no_shape_of_values_breaks_the_checker(document: dict[str, object]) -> None:
    text = "".join(f"{key} = {_inline(value)}\n" for key, value in document.items())
    gathered = Gathered()
    check_documents([("x.toml", text.encode("utf-8", "replace"))], gathered)
    assert not any("not valid TOML" in fault.what for fault in gathered.faults), (text, gathered.faults)


def _inline(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "1979-05-27"
        case dict():
            return "{ " + ", ".join(f"{key} = {_inline(inner)}" for key, inner in value.items()) + " }"
        case list():
            return "[" + ", ".join(_inline(inner) for inner in value) + "]"
        case str():
            return '"' + "".join(f"\\U{ord(char):08x}" for char in value if not 0xD800 <= ord(char) < 0xE000) + '"'
        case _:
            return str(value)


def test_a_file_that_says_nothing_and_keeps_the_built_in_policy_away_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('description = "later"\n')
    notes = [str(one) for one in load_policy([str(tmp_path)], check_ownership=False).warnings]
    assert any(note.startswith(f"{tmp_path}/a.toml:1: the policy says nothing") for note in notes)
    (tmp_path / "b.toml").write_text('[emergency]\nmode = "act"\n')
    notes = [str(one) for one in load_policy([str(tmp_path)], check_ownership=False).warnings]
    assert not any("says nothing" in note for note in notes)

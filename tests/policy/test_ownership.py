"""Law 9: who else could change a policy file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from watchdog_oom.errors import PolicyError
from watchdog_oom.policy.load import load_config, load_policy
from watchdog_oom.policy.ownership import Part, problems, read_way, trusted_users

ROOT = frozenset({0})
DIRECTORY, FILE, LINK = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def way(*modes: int, uid: int = 0) -> list[Part]:
    return [Part("/" + "x" * index, uid, mode) for index, mode in enumerate(modes)]


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    directory = tmp_path / "policies.d"
    directory.mkdir(0o755)
    file = directory / "a.toml"
    file.write_text('[process.p]\nname = "p"\n')
    file.chmod(0o644)
    return directory


def refusal(directory: Path) -> str:
    with pytest.raises(PolicyError) as refused:
        load_policy([str(directory)])
    return str(refused.value)


def test_what_only_root_can_write_is_fine() -> None:
    assert problems(way(DIRECTORY, DIRECTORY, FILE), ROOT) == ()


@pytest.mark.parametrize("bits", [0o020, 0o002])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_anything_on_the_way_that_others_may_write_is_refused(position: int, bits: int) -> None:
    modes = [DIRECTORY, DIRECTORY, FILE]
    modes[position] |= bits
    (path, what), = problems(way(*modes), ROOT)
    assert path == "/" + "x" * position
    assert ("chmod go-w" in what) is (position == 2)


@pytest.mark.parametrize("path", ["/tmp", "/var/tmp", "/dev/shm", "/home/alice", "/var/mail", "/usr/local"])
def test_no_directory_of_the_system_or_of_a_user_is_to_be_changed_for_a_policy_in_it(path: str) -> None:
    for uid, mode in ((0, 0o1777), (0, 0o2775), (1000, 0o755)):
        part = Part(path, uid, stat.S_IFDIR | mode)
        (place, what), = problems([Part("/", 0, DIRECTORY), part, Part(f"{path}/x.toml", 0, FILE)], ROOT)
        assert place == path
        assert "chmod" not in what and "chown" not in what
        assert "move the policy to where only root can write, such as /etc/watchdog-oom/policies.d" in what


def test_what_is_ours_is_put_right_where_it_is() -> None:
    ours = Part("/etc/watchdog-oom/policies.d", 0, DIRECTORY | 0o020)
    (_, what), = problems([ours, Part("/etc/watchdog-oom/policies.d/x.toml", 0, FILE)], ROOT)
    assert what.endswith("(chmod go-w)")
    (_, what), = problems([Part("/etc/watchdog-oom/policies.d/x.toml", 1000, FILE)], ROOT)
    assert what.endswith("(chown root)")


def test_anything_on_the_way_that_belongs_to_another_user_is_refused() -> None:
    parts = [Part("/", 0, DIRECTORY), Part("/x", 1000, LINK), Part("/y", 0, FILE)]
    (path, what), = problems(parts, ROOT)
    assert path == "/x"
    assert "uid 1000" in what


def test_whoever_runs_the_program_may_own_the_policies_beside_root() -> None:
    parts = [Part("/", 0, DIRECTORY), Part("/x", 1000, FILE)]
    assert problems(parts, trusted_users(1000)) == ()
    assert len(problems(parts, trusted_users(1001))) == 1


def test_a_sticky_directory_is_fine_above_the_policy_directory_but_not_as_it() -> None:
    sticky = stat.S_IFDIR | 0o1777
    assert problems(way(DIRECTORY, sticky, DIRECTORY, FILE), ROOT) == ()
    assert len(problems(way(DIRECTORY, DIRECTORY, sticky, FILE), ROOT)) == 1
    assert len(problems(way(DIRECTORY, sticky), ROOT)) == 1


def test_the_way_passes_links_the_directories_they_stand_in_and_their_targets(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.toml").write_text("")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "a.toml").symlink_to("../real/./a.toml")
    paths = [part.path for part in read_way(str(tmp_path / "etc" / "a.toml"))]
    assert paths[0] == "/"
    assert paths[-4:] == [str(tmp_path / name) for name in ("etc", "etc/a.toml", "real", "real/a.toml")]


def test_two_dots_after_a_link_mean_the_parent_of_its_target(tmp_path: Path) -> None:
    (tmp_path / "deep" / "real").mkdir(parents=True)
    (tmp_path / "deep" / "a.toml").write_text("")
    (tmp_path / "link").symlink_to("deep/real")
    assert read_way(f"{tmp_path}/link/../a.toml")[-1].path == str(tmp_path / "deep" / "a.toml")


def test_links_in_a_circle_end_in_an_error_not_in_a_loop(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="too many"):
        read_way(str(tmp_path / "a"))


@pytest.mark.root
@needs_root
def test_root_s_own_directory_under_tmp_is_accepted(policies: Path) -> None:
    assert load_policy([str(policies)]).sources == (str(policies / "a.toml"),)


@pytest.mark.root
@needs_root
@pytest.mark.parametrize("victim", ["policies.d", "policies.d/a.toml"])
def test_a_policy_that_others_can_write_is_refused_by_the_loader(policies: Path, victim: str) -> None:
    path = policies.parent / victim
    path.chmod(path.stat().st_mode | 0o002)
    assert f"{path}: is writable by others" in refusal(policies)


@pytest.mark.root
@needs_root
@pytest.mark.parametrize("victim", [".", "policies.d", "policies.d/a.toml"])
def test_a_policy_on_whose_way_something_belongs_to_another_user_is_refused(policies: Path, victim: str) -> None:
    path = policies.parent / victim
    os.chown(path, 12345, -1)
    assert f"{path}: belongs to uid 12345" in refusal(policies)


@pytest.mark.root
@needs_root
def test_a_link_to_a_file_of_another_user_is_refused(policies: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "home"
    foreign.mkdir()
    (foreign / "b.toml").write_text("")
    os.chown(foreign, 12345, -1)
    (policies / "b.toml").symlink_to(foreign / "b.toml")
    assert f"{foreign}: belongs to uid 12345" in refusal(policies)


@pytest.mark.root
@needs_root
def test_a_configuration_file_of_another_user_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "watchdog-oom.toml"
    file.write_text("[budget]\nkills_per_minute = 1\n")
    os.chown(file, 12345, -1)
    with pytest.raises(PolicyError, match="belongs to uid 12345"):
        load_config(str(file))


def test_without_the_check_anything_is_read_and_a_note_says_so(policies: Path) -> None:
    policies.chmod(0o777)
    loaded = load_policy([str(policies)], check_ownership=False)
    assert any("not checked" in note for note in loaded.notes)

"""Test files: where they are found, what is read of them, and how their mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.cli.policy_test.case_file import files_below, read_cases
from watchdog_oom.errors import PolicyError, UsageError

CASE = '[[case]]\nname = "a"\nexpect = ["stop x"]\n'


def mistakes(directory: Path, text: str) -> list[str]:
    path = directory / "it.test.toml"
    path.write_text(text)
    with pytest.raises(PolicyError) as raised:
        read_cases(str(path))
    return [str(fault).removeprefix(f"{path}:") for fault in raised.value.faults]


@pytest.mark.parametrize(("text", "told"), [
    ("", "1: there is no case: write a table [[case]] for each"),
    ('[case]\nname = "a"\n', "1: there is no case: write a table [[case]] for each"),
    ("[[case]\n", "1:"),
    ('[[case]]\nexpect = ["x"]\n', '1: [case] #1: "name" is missing: what the case shows, in a sentence'),
    ('[[case]]\nname = "a"\n', '1: [case] #1: nothing is expected: give "expect", "refuse" or both'),
    (CASE + "[case.host]\nmemory = 5\n", '5: [case] #1 host memory: a size needs a unit and quotes: write "5MiB"'),
    (CASE + "[case.host]\nmemmory = 5\n", '5: [case] #1 host: unknown key "memmory" — did you mean "memory"?'),
    (CASE + "host = 5\n", "4: [case] #1 host: must be a table, not a whole number"),
    (CASE + "[case.host]\nclock = \"25:00\"\n", '5: [case] #1 host clock: must be a time of day like "03:12"'),
    (CASE + "[case.host]\nprocesses = 5\n", "5: [case] #1 host processes: must be a list of tables, not a whole"),
    (CASE + '[case.host]\nprocesses = [\n{ name = "a" },\n{ rss = 5 }]\n',
     "7: [case] #1 host processes #2 rss: a size needs a unit"),
    (CASE + '[case.host]\nservices = { a = "gone" }\n', '5: [case] #1 host services a state: must be "active" or'),
    (CASE + "[case.host]\nspools = 1\n", "5: [case] #1 host spools: must be a table with a key for each"),
    (CASE + "[case.host]\nspools = { a = 1 }\n", "5: [case] #1 host spools a: must be a table, not a whole number"),
    (CASE + CASE, '5: [case] #2: "a" is the name of the case in line 1, too'),
    (CASE + "[limit.x]\n", '4: unknown key "limit"'),
])
def test_a_mistake_is_told_with_its_line_and_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    assert any(told in f"{fault}" and f"{fault}".startswith(told.split(":")[0]) for fault in mistakes(tmp_path, text))


def test_all_mistakes_of_a_file_are_told_together(tmp_path: Path) -> None:
    assert len(mistakes(tmp_path, "[[case]]\n[[case]]\nafter = 5\n")) == 5


def test_a_case_knows_its_line_its_time_and_its_policy(tmp_path: Path) -> None:
    path = tmp_path / "mail.test.toml"
    path.write_text('\n' + CASE + 'after = "10min"\n[[case]]\nname = "b"\nrefuse = "*"\npolicy = ["x.toml", "y"]\n')
    (tmp_path / "policy.toml").touch()
    first, second = read_cases(str(path)).cases
    assert (first.line, first.after_seconds, first.expect) == (2, 600.0, ("stop x",))
    assert first.policies == (str(tmp_path / "policy.toml"),)
    assert second.policies == (str(tmp_path / "x.toml"), str(tmp_path / "y"))
    (tmp_path / "mail.toml").touch()
    assert read_cases(str(path)).cases[0].policies == (str(tmp_path / "mail.toml"),)


def test_files_are_found_below_directories_and_an_empty_one_is_told(tmp_path: Path) -> None:
    for name in ("b/y.test.toml", "a/x.test.toml", "a/policy.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    both = [str(tmp_path / "a/x.test.toml"), str(tmp_path / "b/y.test.toml")]
    assert files_below([str(tmp_path)]) == both
    assert files_below([both[1], str(tmp_path)]) == [both[1], both[0]]
    (tmp_path / "c").mkdir()
    with pytest.raises(UsageError, match="no file in it is named"):
        files_below([str(tmp_path / "c")])


@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=40),
       where=st.sampled_from(["{0}", "[[case]]\n{0}", CASE + "{0}", CASE + "[case.host]\n{0}",
                              CASE + "[case.host]\nprocesses = [{{ {0} }}]"]))
def test_whatever_is_written_is_read_or_told(tmp_path_factory: pytest.TempPathFactory, text: str, where: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.test.toml"
    path.write_text(where.format(text), encoding="utf-8")
    try:
        assert read_cases(str(path)).cases
    except PolicyError as error:
        assert error.faults

"""The configuration: what it gives, and where its faults are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from watchdog_oom.cli.notify.keys import NOTIFY, TARGET
from watchdog_oom.cli.notify.settings import NotifySettings, NotifyTarget, Want, read_settings
from watchdog_oom.errors import PolicyError, UsageError

DOCUMENT = Path(__file__).parents[3] / "docs" / "notify.md"
Read = Callable[[str], NotifySettings]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    tmp_path.chmod(0o755)

    def written(text: str) -> NotifySettings:
        path = tmp_path / "notify.toml"
        path.write_text(text)
        path.chmod(0o644)
        return read_settings(str(path))
    return written


def test_the_example_of_the_page_is_valid_and_whole(read: Read) -> None:
    (example, *_) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    found = read(example)
    assert [target.name for target in found.targets] == ["ops", "pager", "chat"]
    assert (found.quiet_hours, found.digest_minute, found.escalate_seconds) == ((22 * 60, 7 * 60), 450, 1800.0)
    assert found.targets[1].wants == {Want.ESCALATIONS, Want.ALARMS}


def test_every_key_is_in_the_reference_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", DOCUMENT.read_text(), re.MULTILINE))
    assert {key for keys in (NOTIFY, TARGET) for key in keys} <= rows.keys()
    for keys in (NOTIFY, TARGET):
        for name, key in keys.items():
            assert key.default.strip('"') in rows[name].replace("`", ""), name


def test_what_is_left_out_has_its_default(read: Read) -> None:
    assert read('[target.a]\nmail = "root"\n').targets == (NotifyTarget("a", mail=("root",)),)


@pytest.mark.parametrize(("text", "fault"), [
    ("", "notify.toml:1: [target]: there is nobody to tell: write [target.NAME] with one of mail, run and apprise"),
    ('[target.a]\nmail = "a@b"\nrun = ["/bin/true"]\n', ":1: [target.a]: needs exactly one of mail, run, apprise"),
    ('[target.a]\nmail = "a@b"\ntag = "x"\n', ":3: [target.a] tag: belongs to apprise, and this target has mail"),
    ('[target.a]\nmail = ["a@b", "x\\r\\nBcc: y@z"]\n', ':2: [target.a] mail: "x\\r\\nBcc: y@z" is not an address'),
    ('[target.a]\nmail = "-oQ/tmp"\n', ':2: [target.a] mail: "-oQ/tmp" is not an address'),
    ('[target.a]\nmail = "a@b"\nfrom = "a, b"\n', ':3: [target.a] from: "a, b" is not an address'),
    ('[target.a]\nrun = ["true"]\n', ':2: [target.a] run: "true" must be the absolute path of a program'),
    ('[target.a]\nmail = "a@b"\nwants = ["incident"]\n', 'unknown word "incident" — did you mean "incidents"?'),
    ('[notify]\ndigest = "25:00"\n[target.a]\nmail = "a@b"\n', ':2: [notify] digest: "25:00" is not a time of day'),
    ('[notify]\nhost = "a b"\n[target.a]\nmail = "a@b"\n', ':2: [notify] host: "a b" is not the name of a host'),
    ('[notify]\nquiet_hour = "1"\n[target.a]\nmail = "a@b"\n', 'key "quiet_hour" — did you mean "quiet_hours"?'),
    ('[targets.a]\nmail = "a@b"\n', 'unknown table "targets" — did you mean "target"?'),
    ("[target.a\n", "notify.toml:1: "),
])
def test_a_mistake_is_told_with_its_line(read: Read, text: str, fault: str) -> None:
    with pytest.raises(PolicyError) as raised:
        read(text)
    assert fault in str(raised.value)


def test_a_file_that_others_could_change_is_refused(tmp_path: Path, read: Read) -> None:
    read('[target.a]\nmail = "root"\n')
    (tmp_path / "notify.toml").chmod(0o666)
    with pytest.raises(PolicyError, match="is writable by its group and others"):
        read_settings(str(tmp_path / "notify.toml"))


def test_a_program_that_cannot_be_run_is_told_and_disarms_nothing(read: Read) -> None:
    found = read('[target.a]\nrun = ["/nowhere/hook"]\n[target.b]\nrun = ["/bin/true"]\n')
    assert found.doubts == ("target a: /nowhere/hook: cannot be run: No such file or directory",)
    assert len(found.targets) == 2


def test_no_file_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no configuration, so nobody can be told"):
        read_settings(str(tmp_path / "notify.toml"))

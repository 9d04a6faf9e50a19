"""``watchdog-oom replay`` as an administrator calls it: page, JSON, one moment, two policies, what is no recording."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings

from tests.core.build import mib, noun, percent, policy, proc, service_state, spool_state
from tests.examples import at_most
from tests.recorder.nights import MIDNIGHT, at, recorded_log
from tests.recorder.snapshots import nights
from watchdog_oom.cli import cli
from watchdog_oom.cli.loaded import LoadedPolicy
from watchdog_oom.cli.replay.compare import first_difference
from watchdog_oom.cli.replay.form import plain_night
from watchdog_oom.cli.replay.night import run
from watchdog_oom.cli.replay.page import page_of
from watchdog_oom.core.model import Snapshot
from watchdog_oom.core.policy import Emergency, Limit
from watchdog_oom.daemon.config import Config
from watchdog_oom.recorder.sample import Sample, SampleKind

DOCUMENT = Path(__file__).parents[3] / "docs" / "recorder.md"
HOSTILE = "evil\x1b[2J\u202egnp"
NOUNS = """
[process.clamscan]
name = "clamscan"
namespaces = "any"
[spool.vscan]
path = "/var/spool/vscan/tmp"
entries = ["*"]
stale_after = "1h"
[service.amavis]
unit = "amavis.service"
[emergency]
mode = "observe"
"""
RECOVER = """
[recover.amavis]
when = [{{ spool = "vscan", stale_above = {stale}, for = "30s" }}]
steps = [{{ stop = "amavis" }}, {{ kill = "clamscan" }}, {{ purge = "vscan" }}, {{ start = "stopped" }}]
verify = false
"""
LATE = NOUNS + RECOVER.format(stale=350)
EARLY = NOUNS + RECOVER.format(stale=100)


def seen(count: int) -> Snapshot:
    """Every ten seconds another mail is left behind, from a quarter past on."""
    stale = max(0, count - 90)
    return at(MIDNIGHT + 10 * count, proc(10, "init", rss=8), proc(12, HOSTILE, rss=300, host_namespaces=True),
              *(proc(20 + number, "clamscan", rss=40 + count // 10) for number in range(2)),
              spools={"vscan": spool_state(entries=stale + 3, stale=stale)},
              services={"amavis": service_state("amavis.service")})


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded_log(tmp_path_factory.mktemp("log"), [seen(count) for count in range(600)])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return policies(tmp_path, "late", LATE)


def policies(home: Path, name: str, text: str) -> Path:
    """A directory with one policy file, as only root can write to it."""
    home.chmod(0o755)
    directory = home / name
    directory.mkdir(0o755)
    (directory / "mail.toml").write_text(text)
    (directory / "mail.toml").chmod(0o644)
    return directory


def call(where: Path | str, *words: object) -> Result:
    place = ["--log", str(where)] if Path(where).is_dir() else [str(where)]
    return CliRunner().invoke(cli, ["replay", *place, *map(str, words)])


def acts(done: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done.output)["policies"][0]["acts"]
    return found


def day(seconds: float) -> str:
    return datetime.fromtimestamp(MIDNIGHT + seconds, UTC).isoformat()


PAGE = """\
LOG/flight: DAY 00:00:00 to DAY 01:39:50
  600 samples of mail.example, at most 10s apart

What RULES does
  DAY 01:14:00  recover.amavis acts
    stop amavis.service
    TERM clamscan[20], clamscan[21]
    purge vscan (354 of 357 entries in /var/spool/vscan/tmp are stale)
    start what was stopped
    because spool vscan: 354 stale entries (threshold 350) (for 30s)
    the sample before is 10s older: it may have come so much earlier
  From here on the recording is another world: it shows what came without this. The policy would have done nothing else.
"""


def test_the_page_of_a_night(log: Path, rules: Path) -> None:
    done = call(log, "--policies", rules)
    assert done.exit_code == 1
    text = re.sub(r"2026-0\d-\d\d", "DAY", done.output).replace(str(log), "LOG").replace(str(rules), "RULES")
    assert _in_utc(text) == PAGE


def _in_utc(text: str) -> str:
    """The times of a page, written in the zone of this host, as if that were UTC."""
    offset = datetime.fromtimestamp(MIDNIGHT).astimezone().utcoffset()
    assert offset is not None
    def shifted(found: re.Match[str]) -> str:
        hours, minutes, seconds = map(int, found.groups())
        total = (hours * 3600 + minutes * 60 + seconds - int(offset.total_seconds())) % 86400
        return f"{total // 3600:02}:{total // 60 % 60:02}:{total % 60:02}"
    return re.sub(r"(\d\d):(\d\d):(\d\d)", shifted, text)


def test_what_follows_the_first_act_is_told_as_what_it_would_also_have_done(log: Path, tmp_path: Path) -> None:
    more = '[limit.grown]\nprocess = "clamscan"\nrss = "92MiB"\n'
    done = call(log, "--policies", policies(tmp_path, "more", LATE + more))
    lines = done.output.splitlines()
    parting = next(at for at, line in enumerate(lines) if "another world" in line)
    assert "What follows is what the policy would also have done" in lines[parting]
    assert "recover.amavis acts" in "".join(lines[:parting]) and "limit.grown acts" in lines[parting + 1]


def test_a_policy_that_acts_four_minutes_earlier(log: Path, tmp_path: Path, rules: Path) -> None:
    early = policies(tmp_path, "early", NOUNS + RECOVER.format(stale=325))
    done = call(log, "--policies", rules, "--compare", early)
    assert done.exit_code == 1
    line = next(line for line in done.output.splitlines() if "before A" in line)
    line = re.sub(r"2026-0\d-\d\d", "DAY", line)
    assert _in_utc(line) == ("  policy B acts on amavis.service at DAY 01:09:50 [recover.amavis], "
                             "4min10s before A [recover.amavis]")
    assert done.output.index("Policy A:") < done.output.index("Policy B:")
    swapped = call(log, "--policies", early, "--compare", rules).output
    assert "policy A acts on amavis.service" in swapped and "4min10s before B" in swapped
    data = json.loads(call(log, "--policies", rules, "--compare", early, "--json").output)["difference"]
    assert (data["first"], data["other"], data["by_seconds"]) == ("B", "A", 250.0)
    assert data["later"]["time"] - data["act"]["time"] == 250 and data["words"] in done.output


def test_policies_that_do_the_same_have_no_difference(log: Path, tmp_path: Path, rules: Path) -> None:
    done = call(log, "--policies", rules, "--compare", policies(tmp_path, "same", LATE + "# a comment\n"))
    assert done.exit_code == 0 and "A and B do the same" in done.output


def test_a_policy_may_be_one_file_as_well_as_a_directory(log: Path, tmp_path: Path, rules: Path) -> None:
    early = policies(tmp_path, "early", NOUNS + RECOVER.format(stale=325))
    mine, other = [next(directory.glob("*.toml")) for directory in (rules, early)]
    by_file = call(log, "--policies", mine, "--compare", other)
    by_directory = call(log, "--policies", rules, "--compare", early)
    assert by_file.exit_code == by_directory.exit_code == 1
    assert by_file.output == by_directory.output.replace(str(rules), str(mine)).replace(str(early), str(other))


def test_one_moment_is_shown_as_plan_shows_the_host(log: Path, rules: Path) -> None:
    done = call(log, "--policies", rules, "--at", day(4600))
    assert done.exit_code == 1
    assert done.output.startswith("The host at 2026-0") and "Why and why not" in done.output
    assert "recover.amavis would run" in done.output and "once this has held for 30s" in done.output
    calm = call(log, "--policies", rules, "--at", day(100))
    assert calm.exit_code == 0 and "no clause holds" in calm.output
    data = json.loads(call(log, "--policies", rules, "--at", day(4600), "--json").output)
    assert data["acts"] is True and data["time"] == MIDNIGHT + 4600 and data["host"]["processes"] == 4
    assert data["recoveries"][0]["runs"] is True


def test_a_span_of_the_night_alone(log: Path, rules: Path) -> None:
    done = call(log, "--policies", rules, "--until", day(3000), "--json")
    assert done.exit_code == 0 and acts(done) == [] and json.loads(done.output)["samples"] == 301
    later = acts(call(log, "--policies", rules, "--since", day(5000), "--json"))
    assert later[0]["time"] == MIDNIGHT + 5030  # what held before counts from there


def test_the_json_is_as_documented(log: Path, rules: Path, tmp_path: Path) -> None:
    done = call(log, "--policies", rules, "--compare", policies(tmp_path, "early", EARLY), "--json")
    document = json.loads(done.output)
    section = DOCUMENT.read_text().partition("\n## `replay --json`\n")[2].partition("\n## ")[0]
    tables = [set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))))
              for table in re.findall(r"(?:^\|.*\n)+", section + "\n", re.MULTILINE)]
    first = document["policies"][0]
    assert tables == [set(document), set(first), set(first["acts"][0]), set(document["difference"])]


def test_what_the_recording_lacks_is_said_by_name_and_rule(log: Path, tmp_path: Path) -> None:
    text = NOUNS + ('[process.mrtg]\nexe = "/usr/bin/mrtg"\n[limit.mrtg]\nprocess = "mrtg"\nrss = "1MiB"\nfor = "5s"\n'
                    '[spool.other]\npath = "/other"\nentries = ["*"]\nstale_after = "1h"\n'
                    '[clean.other]\nspool = "other"\n')
    done = call(log, "--policies", policies(tmp_path, "other", text))
    assert done.exit_code == 0 and "nothing is done" in done.output
    told = done.output.partition("What the recording cannot tell:\n")[2].splitlines()
    assert told[0].startswith('    limit.mrtg: for = "5s" is shorter than the 10s between two samples')
    assert told[1].startswith("    limit.mrtg: the executable of init[10], ")
    assert "    clean.other: never known in the recording: spool other was not scanned" in told


def test_names_cannot_write_to_the_terminal(log: Path, tmp_path: Path) -> None:
    text = NOUNS + '[process.e]\nname = "evil*"\n[limit.e]\nprocess = "e"\nrss = "200MiB"\n'
    done = call(log, "--policies", policies(tmp_path, "evil", text))
    assert "TERM evil\\x1b[2J\\u202egnp[12]" in done.output and "\x1b" not in done.output
    compared = call(log, "--policies", tmp_path / "evil", "--compare", policies(tmp_path, "late", LATE))
    assert "policy A acts on evil\\x1b" in compared.output and "\x1b" not in compared.output


def test_a_recording_that_is_damaged_is_replayed_as_far_as_it_goes(log: Path, rules: Path, tmp_path: Path) -> None:
    whole = min((log / "flight").iterdir()).read_bytes()
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(whole[:len(whole) // 2] + b"x" * 100)
    done = call(torn, "--policies", rules)
    assert "watchdog-oom: " in done.output and str(torn) in done.output and "sample" in done.output
    newer = tmp_path / "newer.jsonl.gz"
    newer.write_bytes(gzip.compress(b'{"v":99}\n') + whole)
    done = call(newer, "--policies", rules)
    assert "newer release" in done.output and done.exit_code in (0, 1)


@pytest.mark.parametrize("content", [b"", b"not a recording", gzip.compress(b"{}\n", mtime=0)])
def test_what_is_no_recording_is_refused(rules: Path, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x"
    file.write_bytes(content)
    for more in ([], ["--at", "03:12"]):
        done = call(file, "--policies", rules, *more)
        assert done.exit_code == 2 and "no recording" in done.output and "Traceback" not in done.output


def test_a_time_without_samples_says_what_there_is(log: Path, rules: Path) -> None:
    done = call(log, "--policies", rules, "--since", day(90_000))
    assert done.exit_code == 1 and "nothing was recorded in that time; the recording goes from 2026-0" in done.output
    done = call(log, "--policies", rules, "--at", day(90_000))
    assert done.exit_code == 1 and "nothing was recorded at" in done.output and "The host at" in done.output


@pytest.mark.parametrize(("words", "told"), [
    (["--at", "03:12", "--compare", "x"], "excludes"), (["--since", "-1h", "--until", "-2h"], "is later than"),
    (["--policies", "/nowhere"], "/nowhere"), (["--since", "soon"], "not a time"),
])
def test_wrong_usage_ends_with_2(log: Path, rules: Path, words: list[str], told: str) -> None:
    done = call(log, *words, *([] if "--policies" in words else ["--policies", rules]))
    assert done.exit_code == 2 and told in done.output


def test_a_policy_with_faults_shows_them(log: Path, rules: Path, tmp_path: Path) -> None:
    broken = policies(tmp_path, "broken", "[limit.x]\nproces = 1\n")
    for words in (["--policies", broken], ["--policies", rules, "--compare", broken]):
        done = call(log, *words)
        assert done.exit_code == 2 and "mail.toml" in done.output and "not valid" in done.output


@settings(max_examples=at_most(20), deadline=None)
@given(nights())
def test_whatever_a_recording_holds_there_is_a_page_and_a_document(snapshots: list[Snapshot]) -> None:
    rules = policy(noun("a", comm="a"), Limit("a", "a", rss=mib(1)), Emergency(percent(100), percent(100)))
    loaded = LoadedPolicy(rules, {}, Config(), (), ())
    night = run([Sample(snapshot, SampleKind.CALM) for snapshot in snapshots], {"one": loaded, "other": loaded})
    assert night is not None
    difference = first_difference(*(verdict.acts for verdict in night.verdicts))
    assert difference is None and "No difference" in page_of(night, "x", difference).text()
    json.dumps(plain_night(night, "x", difference), allow_nan=False)

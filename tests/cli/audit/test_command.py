"""``watchdog-oom audit`` and ``audit verify``, as an administrator calls them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from watchdog_oom.cli.audit.command import audit
from watchdog_oom.errors import NotPermittedError, UsageError
from watchdog_oom.journal import Journal, Kind, Moment, Record
from watchdog_oom.journal.chain import digest_of

LATE_NIGHT = 1_772_335_925.0  # 2026-03-01T03:32:05Z


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A journal of one bad night, an hour between its records."""
    hours = iter(range(100))
    journal = Journal(str(tmp_path / "log"), boot_id="b", clocks=lambda: Moment(LATE_NIGHT + 3600 * next(hours), 9.0))
    journal.open()
    journal.append(Record(Kind.START))
    journal.append(Record(Kind.INTENT, incident="7", rule="limit.clamscan", step="TERM a\x1b]0;x\x07\n[red]b[71]",
                          because=("runtime 21min above 20min", "\u202eevil"), id="i1"))
    journal.append(Record(Kind.OUTCOME, incident="7", rule="limit.clamscan", step="TERM clamscan[71]", result="gone",
                          id="i1"))
    journal.append(Record(Kind.INCIDENT, incident="8", rule="recover.amavis", result="opened"))
    journal.close()
    return tmp_path / "log"


def _audit(*arguments: str | Path, **options: str) -> Result:
    return CliRunner().invoke(audit, [str(argument) for argument in arguments], env={"TZ": "UTC", **options})


def test_the_long_list_has_a_line_a_record_with_its_rule_and_reasons(directory: Path) -> None:
    result = _audit("--log", directory, "--long")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert len(lines) == 4
    assert lines[2].endswith("  outcome    TERM clamscan[71]: gone  [limit.clamscan]  in incident 7")
    assert "because runtime 21min above 20min; " in lines[1]
    assert lines[3].endswith("incident   incident 8: opened  [recover.amavis]")


@pytest.mark.parametrize("form", [(), ("--long",)])
@pytest.mark.parametrize("colour", ["", "1"])
def test_no_name_of_a_process_reaches_the_terminal_as_anything_but_text(
        directory: Path, colour: str, form: tuple[str, ...]) -> None:
    result = _audit("--log", directory, *form, **({"FORCE_COLOR": colour} if colour else {}))
    assert "\x1b]" not in result.stdout
    assert "\x07" not in result.stdout
    assert "\u202e" not in result.stdout
    assert "TERM a\\x1b]0;x\\x07\\n[red]b[71]" in result.stdout
    assert ("\x1b[" in result.stdout) == bool(colour)


def test_the_list_has_a_line_an_act_with_its_rule_its_result_and_the_first_reason(directory: Path) -> None:
    assert _audit("--log", directory).stdout.splitlines() == [
        "2026-03-01 03:32:05  watchdog-oomd       start",
        ("2026-03-01 04:32:05  limit.clamscan      TERM a\\x1b]0;x\\x07\\n[red]b[71]: gone"
         "  because runtime 21min above 20min (and 1 more)"),
        "2026-03-01 06:32:05  recover.amavis      incident 8: opened"]


def test_an_intent_without_an_outcome_says_so_unless_outcomes_were_not_asked_for(directory: Path) -> None:
    until = _audit("--log", directory, "--until", "2026-03-01T05:00:00Z").stdout.splitlines()
    assert "b[71]: no outcome is recorded  because" in until[-1]
    assert "b[71]  because" in _audit("--log", directory, "--kind", "intent").stdout
    outcomes = _audit("--log", directory, "--kind", "outcome").stdout
    assert outcomes.endswith("limit.clamscan      TERM clamscan[71]: gone\n")


def test_the_last_so_many_are_counted_in_what_is_shown(directory: Path) -> None:
    def shown(*arguments: str) -> list[str]:
        return _audit("--log", directory, *arguments).stdout.splitlines()
    assert shown("-n", "2") == shown()[1:]
    assert shown("--lines", "1", "--rule", "clamscan") == shown()[1:2]
    assert shown("-n", "1", "--json") == shown("--json")[3:]
    assert shown("-n", "0") == []
    assert shown("-n", "9") == shown()


def test_one_incident_and_the_last_of_it_begin_with_its_evidence_in_the_long_list(directory: Path) -> None:
    lines = _audit("--log", directory, "--long", "--incident", "7", "-n", "1").stdout.splitlines()
    assert lines[0].startswith("incident 7  [limit.clamscan]  because runtime 21min above 20min")
    assert len(lines) == 2


def test_the_text_that_is_searched_is_the_text_that_is_shown(directory: Path) -> None:
    def found(pattern: str, *arguments: str) -> int:
        return len(_audit("--log", directory, "--grep", pattern, *arguments).stdout.splitlines())
    assert found("limit.clamscan .*: gone") == 1
    assert found("04:32:05") == 1
    assert found("u202eevil") == 0  # one reason more, which a line an act does not show
    assert found("u202eevil", "--long", "--kind", "intent") == 1
    assert found('"result":"gone"', "--json") == 1
    assert found("^2026.*GONE") == 0


def test_what_was_measured_stands_below_a_record_in_the_long_list(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path), boot_id="b")
    journal.open()
    journal.append(Record(Kind.OUTCOME, rule="protect.x", step="y", target={"pid": 7, "name": "a\x1b[2J", "exe": None},
                          before=-5, after={"low": [1, 2]}, took_seconds=4.5, detail={"tries": 3}))
    journal.close()
    assert _audit("--log", tmp_path, "--long").stdout.splitlines()[1:] == [
        "    target: pid 7, name a\\x1b[2J", "    before: -5", "    after: low [1, 2]", "    took_s: 4.5",
        "    detail: tries 3"]
    assert _audit("--log", tmp_path).stdout.endswith("  protect.x           y (4.5s)\n")


def test_following_has_no_end_so_until_is_wrong_usage(directory: Path) -> None:
    result = _audit("--log", directory, "-f", "--until", "now")
    assert isinstance(result.exception, UsageError)


def test_a_record_that_is_told_the_list_can_be_narrowed(directory: Path) -> None:
    def count(*arguments: str) -> int:
        return len(_audit("--log", directory, "--long", *arguments).stdout.splitlines())
    assert count("--rule", "clamscan") == count("--rule", "limit.clamscan") == 2
    assert count("--incident", "7") == 3  # with a line of its evidence
    assert count("--rule", "lamscan") == 0
    assert count("--since", "2026-03-01T05:00:00Z") == 3  # with the evidence of the incident that began before
    assert count("--since", "2026-03-01T05:00:00Z", "--rule", "amavis") == 1
    assert count("--since", "0s") == 0


@pytest.mark.parametrize(("arguments", "words"), [
    (("--rule", "lamscan"), 'no record of rule "lamscan" — did you mean "limit.clamscan"?'),
    (("--rule", "limit.clamscn"), 'no record of rule "limit.clamscn" — did you mean "limit.clamscan"?'),
    (("--rule", "zzz"), 'no record of rule "zzz"'),
    (("--incident", "zzz"), 'no record of incident "zzz"'),
    (("--incident", "8", "--rule", "clamscan"), 'no record of rule "clamscan" and incident "8"'),
    (("--incident", "7", "--since", "0s"), 'no record of incident "7" since 0s'),
    (("--json", "--incident", "zzz"), 'no record of incident "zzz"'),
    (("--kind", "late", "--kind", "stop"), "no record of kind late or stop"),
    (("--grep", "nobody"), 'no record of the text "nobody"'),
    (("--grep", "evil", "--until", "2026-03-01T04:00Z"),
     'no record of the text "evil" until 2026-03-01T04:00Z')])
def test_what_is_not_there_is_said_with_the_nearest_name_and_exit_status_1(
        directory: Path, arguments: tuple[str, ...], words: str) -> None:
    result = _audit("--log", directory, *arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"{words}\n")


def test_a_rejected_policy_shows_its_faults_in_the_plain_list(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "log"), boot_id="b")
    journal.open()
    journal.append(Record(Kind.POLICY, result="rejected: 2 faults; the last good policy stays in force",
                          detail={"faults": ("a.toml:3: [limit.l] rss: x\x1b[2J", "a.toml:9: y")}))
    journal.close()
    lines = _audit("--log", tmp_path / "log").stdout.splitlines()
    assert lines[0].endswith("rejected: 2 faults; the last good policy stays in force")
    assert lines[1:] == ["    a.toml:3: [limit.l] rss: x\\x1b[2J", "    a.toml:9: y"]


def test_json_prints_the_records_exactly_as_they_are_stored(directory: Path) -> None:
    result = _audit("--log", directory, "--json", "--incident", "7")
    stored = (directory / "audit.jsonl").read_text().splitlines()
    assert result.stdout.splitlines() == stored[1:3]
    assert json.loads(result.stdout.splitlines()[0])["step"] == "TERM a\x1b]0;x\x07\n[red]b[71]"


def test_an_outcome_that_failed_says_so_and_one_of_an_older_journal_is_not_known(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path), boot_id="b")
    journal.open()
    journal.append(Record(Kind.OUTCOME, step="stop x.service", ok=False, result="it hung"))
    journal.append(Record(Kind.OUTCOME, step="stop y.service", result="ok: stop done"))
    journal.close()
    path = tmp_path / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"ok":null,', b""))
    lines = _audit("--log", tmp_path, "--long").stdout.splitlines()
    assert lines[0].endswith("outcome    stop x.service: failed: it hung")
    assert lines[1].endswith("outcome    stop y.service: ok: stop done")


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_a_wrong_time_is_wrong_usage(directory: Path, option: str) -> None:
    result = _audit("--log", directory, option, "soon")
    assert isinstance(result.exception, UsageError)
    assert result.exception.exit_status == 2


def test_verify_vouches_for_a_whole_journal(directory: Path) -> None:
    result = _audit("verify", "--log", directory)
    assert (result.exit_code, result.stdout) == (0, "intact: 4 records in 1 file\n")
    assert _audit("--log", directory, "verify").stdout == result.stdout


def test_verify_names_the_line_and_ends_with_1(directory: Path) -> None:
    path = directory / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"gone"', b'"fine"'))
    result = _audit("verify", "--log", directory)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].startswith("audit.jsonl:3: edited")
    assert result.stdout.splitlines()[1] == "BROKEN: 3 records in 1 file are good, the rest is not"


def test_verify_says_from_where_on_it_can_vouch(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "log"), boot_id="b", segment_bytes=700, keep=1)
    journal.open()
    for _ in range(9):
        journal.append(Record(Kind.LATE))
    journal.close()
    result = _audit("verify", "--log", tmp_path / "log")
    assert result.exit_code == 0
    assert "verified from record 4 on" in result.stdout


def test_without_a_journal_the_list_is_empty_and_verify_vouches_for_nothing(tmp_path: Path) -> None:
    listed = _audit("--log", tmp_path, "--json")
    assert (listed.exit_code, listed.stdout) == (0, "")
    assert "there is no journal yet" in listed.stderr
    verified = _audit("verify", "--log", tmp_path / "never")
    assert verified.exit_code == 1
    assert "nothing to verify" in verified.stderr


def test_lost_records_and_damage_are_told_in_the_list(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path), boot_id="b")
    journal.open()
    for _ in range(1026):
        journal.queue(Record(Kind.LATE))
    (tmp_path / "audit.jsonl").unlink()
    journal.close()
    first = _audit("--log", tmp_path).stdout.splitlines()[0]
    assert "(2 records before this one were lost)" in first
    assert "(damaged: audit.jsonl: was removed or renamed" in first


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_an_ordinary_user_is_told_to_be_root(directory: Path) -> None:
    # as a real unprivileged user, in a child; every directory above is open to it
    for parent in directory.parents:
        if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        results = [_audit("--log", directory), _audit("verify", "--log", directory)]
        told = [f"{type(result.exception).__name__}: {result.exception}" for result in results]
        os.write(writing, json.dumps(told).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    told = json.loads(os.read(reading, 65536))
    os.close(reading)
    assert all(words.startswith(NotPermittedError.__name__) and "run this as root" in words for words in told)


def test_verify_compares_with_what_another_host_collected(directory: Path, tmp_path: Path) -> None:
    digests = [digest_of(line) for line in (directory / "audit.jsonl").read_bytes().splitlines()]
    log = tmp_path / "collected"
    log.write_text(f"web1 watchdog-oomd[7]: head: record 2 has the SHA-256 {digests[1].decode()}\n")
    good = _audit("verify", "--log", directory, "--heads", log)
    assert (good.exit_code, good.output.splitlines()[-1]) == (0, "agrees with 1 collected hash")
    log.write_text(f"head: record 2 has the SHA-256 {digests[0].decode()}\n")
    bad = _audit("verify", "--log", directory, "--heads", log)
    assert (bad.exit_code, bad.output.splitlines()[-1]) == (1, "DIFFERS from 1 of 1 collected hash")
    log.write_text("nothing\n")
    with pytest.raises(UsageError, match="no collected hash"):
        CliRunner().invoke(audit, ["verify", "--log", str(directory), "--heads", str(log)], catch_exceptions=False)

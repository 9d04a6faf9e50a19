"""Every manipulation of the journal is found, and the daemon's own changes are not reported."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from time import monotonic
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import at_most
from watchdog_oom.host.syscalls import fallocate
from watchdog_oom.journal import Journal, Kind, Moment, Record
from watchdog_oom.journal.chain import digest_of
from watchdog_oom.journal.verify import Verdict, verify

Writer = Callable[..., Journal]
SEGMENT_BYTES = 1500
_fresh = settings(max_examples=at_most(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _lines(directory: Path) -> list[tuple[Path, int]]:
    """Every line of the journal, as its file and its index in it."""
    files = [*sorted(directory.glob("audit-*.jsonl")), directory / "audit.jsonl"]
    return [(path, index) for path in files for index in range(len(path.read_bytes().splitlines()))]


def _rewrite(path: Path, change: Callable[[list[bytes]], Any]) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)
    path.write_bytes(b"".join(lines))


def _near(verdict: Verdict, places: list[tuple[Path, int]], place: tuple[Path, int]) -> None:
    """The first finding names the line, or the neighbour that vouches for it; ``places`` are from before the change."""
    assert not verdict.intact
    first = verdict.findings[0]
    found = next(at for at, (path, index) in enumerate([*places, (Path(), 0)])
                 if (path.name, index + 1) == (first.file, first.line) or path == Path())
    assert abs(found - places.index(place)) <= 1, first


def _template(tmp_path_factory: pytest.TempPathFactory, count: int = 11) -> Path:
    directory = tmp_path_factory.mktemp("journal")
    # hypothesis wants the same bytes every time, so the clocks stand still
    journal = Journal(str(directory), boot_id="b", segment_bytes=SEGMENT_BYTES, allocate=fallocate,
                      clocks=lambda: Moment(1e9, 5.0))
    journal.open()
    for number in range(count):
        journal.append(Record(Kind.OUTCOME, result=f"ok {number}"))
    journal.close()
    assert len(list(directory.glob("audit-*.jsonl"))) >= 2
    return directory


@given(choice=st.data())
@_fresh
def test_any_edited_byte_is_found_and_its_line_named(choice: st.DataObject,
                                                     tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = _template(tmp_path_factory)
    places = _lines(directory)
    path, index = choice.draw(st.sampled_from(places))

    def edit(lines: list[bytes]) -> None:
        line = lines[index]
        at = choice.draw(st.integers(0, len(line) - 1))
        byte = choice.draw(st.integers(0, 255).filter(lambda value: value != line[at]))
        lines[index] = line[:at] + bytes([byte]) + line[at + 1:]

    _rewrite(path, edit)
    _near(verify(str(directory)), places, (path, index))


@given(choice=st.data())
@_fresh
def test_any_removed_line_is_found(choice: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = _template(tmp_path_factory)
    places = _lines(directory)
    path, index = choice.draw(st.sampled_from(places))
    _rewrite(path, lambda lines: lines.pop(index))
    verdict = verify(str(directory))
    _near(verdict, places, (path, index))
    assert "removed" in verdict.findings[0].what or "truncated" in verdict.findings[0].what


@given(choice=st.data())
@_fresh
def test_any_two_swapped_lines_are_found(choice: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = _template(tmp_path_factory)
    places = _lines(directory)
    path, index = choice.draw(st.sampled_from([p for p in places if (p[0], p[1] + 1) in places]))

    def swap(lines: list[bytes]) -> None:
        lines[index], lines[index + 1] = lines[index + 1], lines[index]

    _rewrite(path, swap)
    verdict = verify(str(directory))
    _near(verdict, places, (path, index))
    assert any("reordered" in finding.what for finding in verdict.findings)


@given(choice=st.data())
@_fresh
def test_any_repeated_or_inserted_line_is_found(choice: st.DataObject,
                                                tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = _template(tmp_path_factory)
    path, index = choice.draw(st.sampled_from(_lines(directory)))
    extra = choice.draw(st.sampled_from([None, b"\n", b"{}\n", b"not json\n"]))
    _rewrite(path, lambda lines: lines.insert(index, lines[index] if extra is None else extra))
    assert not verify(str(directory)).intact


@given(choice=st.data())
@_fresh
def test_any_cut_end_is_found(choice: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = _template(tmp_path_factory)
    path, _ = choice.draw(st.sampled_from(_lines(directory)))
    os.truncate(path, choice.draw(st.integers(0, path.stat().st_size - 1)))
    verdict = verify(str(directory))
    assert not verdict.intact


@given(choice=st.data())
@_fresh
def test_any_removed_file_is_found(choice: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = _template(tmp_path_factory)
    choice.draw(st.sampled_from(sorted(directory.iterdir()))).unlink()
    assert not verify(str(directory)).intact


@given(kinds=st.lists(st.sampled_from(Kind), max_size=30), text=st.text(st.characters(codec=None), max_size=50),
       segment_bytes=st.integers(400, 5000), keep=st.integers(0, 4), reopen_every=st.integers(1, 9))
@_fresh
def test_any_sequence_of_records_verifies_over_rotations_and_restarts(
        kinds: list[Kind], text: str, segment_bytes: int, keep: int, reopen_every: int,
        tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = str(tmp_path_factory.mktemp("journal"))
    journal = Journal(directory, boot_id="b", segment_bytes=segment_bytes, keep=keep, allocate=fallocate)
    journal.open()
    for number, kind in enumerate(kinds):
        (journal.queue if number % 3 == 0 else journal.append)(Record(kind, step=text, detail={"n": number}))
        if number % reopen_every == 0:
            journal.close()
            journal = Journal(directory, boot_id="b", segment_bytes=segment_bytes, keep=keep, allocate=fallocate)
            journal.open()
            assert journal.damaged is None
    journal.close()
    verdict = verify(directory)
    assert verdict.findings == ()
    assert (verdict.last_seq or 0) == len(kinds)
    assert verdict.segments <= keep + 1


def test_the_words_name_file_line_and_what_happened(write: Writer, directory: Path) -> None:
    write(9).close()
    path = directory / "audit.jsonl"
    whole = path.read_bytes()
    _rewrite(path, lambda lines: lines.__setitem__(3, lines[3].replace(b"ok 3", b"ok 9")))
    assert str(verify(str(directory)).findings[0]) \
        == "audit.jsonl:4: edited: record 5 has another hash for this line, or was edited itself"
    path.write_bytes(whole)
    _rewrite(path, lambda lines: lines.__delitem__(slice(3, 5)))
    verdict = verify(str(directory))
    assert [str(finding) for finding in verdict.findings] \
        == ["audit.jsonl:4: removed: records 4 to 5 are missing before this line"]
    assert verdict.good_lines == 7
    path.write_bytes(whole)
    _rewrite(path, lambda lines: lines.__setitem__(3, b"{oops\n"))
    assert [str(finding) for finding in verify(str(directory)).findings] == ["audit.jsonl:4: not JSON"]
    path.write_bytes(whole[:-5])
    assert str(verify(str(directory)).findings[0]).startswith("audit.jsonl:9: truncated: the line does not end")
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:7]))
    assert [str(finding) for finding in verify(str(directory)).findings] \
        == ["audit.jsonl:8: truncated: records 8 to 9 are missing at the end, according to audit.head"]


def test_an_edited_last_line_is_found_though_no_line_follows_it(write: Writer, directory: Path) -> None:
    write(4).close()
    _rewrite(directory / "audit.jsonl", lambda lines: lines.__setitem__(3, lines[3].replace(b"ok 3", b"ok 8")))
    assert str(verify(str(directory)).findings[0]) \
        == "audit.jsonl:4: edited: audit.head has another hash for this line"


def test_a_head_one_record_behind_is_a_crash_between_two_writes_and_two_behind_is_not(
        write: Writer, directory: Path) -> None:
    journal = write(3)
    heads = []
    for _ in range(3):
        heads.append((directory / "audit.head").read_bytes())
        journal.append(Record(Kind.LATE))
    journal.close()
    (directory / "audit.head").write_bytes(heads[2])
    assert verify(str(directory)).intact
    (directory / "audit.head").write_bytes(heads[1])
    assert "2 records behind" in str(verify(str(directory)).findings[0])


def test_a_forged_line_with_a_right_hash_is_found_as_soon_as_there_are_two(write: Writer, directory: Path) -> None:
    write(3).close()
    path = directory / "audit.jsonl"
    for seq in (4, 5):
        last = path.read_bytes().splitlines()[-1]
        forged = last.replace(b'"seq":%d,' % (seq - 1), b'"seq":%d,' % seq)[:-66] + digest_of(last) + b'"}\n'
        path.write_bytes(path.read_bytes() + forged)
    assert not verify(str(directory)).intact


def test_removing_the_oldest_segment_is_not_taken_for_rotation(write: Writer, directory: Path) -> None:
    write(30, segment_bytes=SEGMENT_BYTES, keep=3).close()
    verdict = verify(str(directory))
    assert verdict.intact
    assert verdict.first_seq is not None
    assert verdict.first_seq > 1
    min(directory.glob("audit-*.jsonl")).unlink()
    assert "removed: record" in str(verify(str(directory)).findings[0])


def test_old_segments_cannot_be_removed_by_a_head_that_names_a_newer_record_as_the_oldest(
        write: Writer, directory: Path) -> None:
    write(30, segment_bytes=SEGMENT_BYTES, keep=3).close()
    head = (directory / "audit.head").read_bytes()
    oldest, second = sorted(directory.glob("audit-*.jsonl"))[:2]
    first = int(oldest.stem.removeprefix("audit-"))
    oldest.unlink()
    (directory / "audit.head").write_bytes(head[:84] + b"%018d\n" % int(second.stem.removeprefix("audit-")))
    found = [str(finding) for finding in verify(str(directory)).findings]
    assert any(f"but the chain says {first}: it was edited" in finding for finding in found)
    assert any(f"removed: records {first} to" in finding for finding in found)
    journal = write(segment_bytes=SEGMENT_BYTES, keep=3)
    assert f"but the chain says {first}" in (journal.damaged or "")
    journal.append(Record(Kind.LATE))
    assert not verify(str(directory)).intact


@pytest.mark.parametrize("field", [0, 1, 2])
@pytest.mark.parametrize("count", [1, 5, 30])
@pytest.mark.parametrize("by", [-5, -1, 1, 1000])
def test_each_field_of_the_head_that_is_changed_is_found(write: Writer, directory: Path, field: int, count: int,
                                                         by: int) -> None:
    write(count, segment_bytes=SEGMENT_BYTES, keep=3).close()
    fields = (directory / "audit.head").read_bytes().split()
    if field == 1:
        fields[1] = (b"0" if fields[1][:1] != b"0" else b"1") + fields[1][1:]
    else:
        fields[field] = b"%018d" % max(0, int(fields[field]) + by)
    (directory / "audit.head").write_bytes(b" ".join(fields) + b"\n")
    assert not verify(str(directory)).intact
    assert write(segment_bytes=SEGMENT_BYTES, keep=3).damaged


def test_a_journal_of_a_release_whose_records_state_no_oldest_is_taken_up_and_that_is_said_once(
        write: Writer, directory: Path) -> None:
    lines: list[bytes] = []
    for number in range(8, 12):
        prev = digest_of(lines[-1]) if lines else b"a" * 64
        lines.append(b'{"v":1,"seq":%d,"detail":null,"prev":"%b"}' % (number, prev))
    directory.mkdir(mode=0o700)
    (directory / "audit.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    (directory / "audit.head").write_bytes(b"%018d %b %018d\n" % (11, digest_of(lines[-1]), 8))
    assert verify(str(directory)).intact
    journal = write()
    assert "an earlier release wrote that 8 is the oldest" in (journal.damaged or "")
    journal.append(Record(Kind.LATE))
    journal.close()
    assert verify(str(directory)).intact
    assert write().damaged is None


def test_verifying_beside_a_writing_and_rotating_daemon_never_cries_wolf(
        directory: Path, start_writer: Callable[..., Popen[bytes]]) -> None:
    start_writer(segment_bytes=20_000, keep=2)
    verdicts: list[Verdict] = []
    deadline = monotonic() + 10
    while monotonic() < deadline and (not verdicts or (verdicts[-1].first_seq or 0) < 500):
        verdicts.append(verify(str(directory)))
    assert [verdict.findings for verdict in verdicts if not verdict.intact] == []
    assert len(verdicts) > 5
    assert (verdicts[-1].first_seq or 0) >= 500

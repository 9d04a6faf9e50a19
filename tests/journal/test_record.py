"""Records as lines and as sentences."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.journal.chain import GENESIS
from watchdog_oom.journal.record import KEYS, ChainPlace, Kind, Moment, Record, format_line, rfc3339, sentence

PLACE = ChainPlace(7, GENESIS.digest)
MOMENT = Moment(1_000_000_000.5, 12.34567)

_hostile = st.text(st.characters(codec=None)) | st.binary().map(lambda b: b.decode("utf-8", "surrogateescape"))
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _hostile | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_hostile, inner, max_size=4), max_leaves=12)


def _formatted(record: Record, place: ChainPlace = PLACE) -> Any:
    return json.loads(format_line(record, place, MOMENT, "b00t"))


def test_every_key_is_there_in_the_documented_order_and_null_where_it_says_nothing() -> None:
    line = format_line(Record(Kind.STOP), PLACE, MOMENT, "b00t")
    fields = json.loads(line)
    assert tuple(fields) == KEYS
    assert fields["time"] == "2001-09-09T01:46:40.500Z"
    assert fields["mono"] == 12.346
    assert fields["because"] == []
    assert {key for key, value in fields.items() if value is None} == {
        "incident", "rule", "step", "target", "before", "after", "ok", "result", "took_s", "id", "dropped", "detail"}
    assert fields["first"] == 1
    assert line.endswith(b'"prev":"%b"}' % GENESIS.digest)


@given(step=_hostile, target=st.dictionaries(_hostile, _values, max_size=4), because=st.lists(_hostile, max_size=3),
       before=_values, after=_values)
def test_whatever_a_process_is_called_the_line_is_one_line_of_ascii_json_without_lone_surrogates(
        step: str, target: dict[str, object], because: list[str], before: object, after: object) -> None:
    record = Record(Kind.INTENT, step=step, target=target, because=tuple(because), before=before, after=after)
    line = format_line(record, PLACE, MOMENT, "b00t")
    assert line.isascii()
    assert b"\n" not in line
    json.dumps(json.loads(line), ensure_ascii=False).encode("utf-8")  # fails on a lone surrogate
    constants: list[str] = []
    json.loads(line, parse_constant=constants.append)  # NaN and Infinity are not JSON
    assert constants == []
    assert tuple(json.loads(line)) == KEYS


def test_a_name_that_is_not_utf8_keeps_its_bytes_in_words() -> None:
    assert _formatted(Record(Kind.INTENT, step=b"KILL \xff\xfe".decode("utf-8", "surrogateescape")))["step"] \
        == "KILL \\xff\\xfe"


def test_a_name_with_quotes_and_braces_cannot_forge_a_field() -> None:
    name = '","seq":1,"kind":"stop","prev":"' + "0" * 64 + '"}\n{"v":1'
    fields = _formatted(Record(Kind.INTENT, target={"name": name}))
    assert fields["target"]["name"] == name
    assert fields["seq"] == 7


def test_a_huge_record_loses_its_objects_but_not_itself() -> None:
    record = Record(Kind.OUTCOME, step="purge vscan", result="ok", because=("x" * 1999,) * 100, id="i1")
    fields = _formatted(record)
    assert fields["because"] == []
    assert fields["detail"]["omitted_bytes"] > 100_000
    assert (fields["step"], fields["result"], fields["id"]) == ("purge vscan", "ok", "i1")


def test_objects_nested_without_end_are_cut_off_as_words() -> None:
    circle: dict[str, object] = {}
    circle["self"] = circle
    assert "self" in _formatted(Record(Kind.START, detail=circle))["detail"]


def test_lost_records_are_told_as_a_number() -> None:
    assert _formatted(Record(Kind.LATE), ChainPlace(8, GENESIS.digest, 3))["dropped"] == 3


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_times_sort_as_text_as_they_do_as_numbers(one: float, other: float) -> None:
    assert (rfc3339(one) < rfc3339(other)) == (int(one * 1000) < int(other * 1000))


@pytest.mark.parametrize("ok", [True, False, None])
def test_how_an_outcome_came_out_is_a_value_and_its_words_are_only_words(ok: bool | None) -> None:
    fields = _formatted(Record(Kind.OUTCOME, step="stop x", ok=ok, result="failed: ok"))
    assert fields["ok"] is ok and fields["result"] == "failed: ok"


def test_the_sentence_of_a_failure_says_so_once() -> None:
    record = Record(Kind.OUTCOME, step="stop x.service", ok=False, result="it hung")
    assert sentence(record) == "outcome: stop x.service: failed: it hung"
    assert sentence(Record(Kind.OUTCOME, step="stop x.service", result="it hung")) == "outcome: stop x.service: it hung"
    closed = Record(Kind.INCIDENT, incident="7", ok=False, result="closed: failed: it hung")
    assert sentence(closed) == "incident: incident 7: closed: failed: it hung"


def test_the_sentence_says_what_by_which_rule_and_why_without_control_characters() -> None:
    record = Record(Kind.OUTCOME, rule="limit.x", step="KILL a\x1b[2J\nb[7]", result="ok", because=("count 5", "old"))
    assert sentence(record) == "outcome: KILL a\\x1b[2J\\nb[7]: ok [limit.x] because count 5; old"
    assert sentence(Record(Kind.INCIDENT, incident="7", result="opened")) == "incident: incident 7: opened"

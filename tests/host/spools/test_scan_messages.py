from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.model import ProcessId, SpoolState
from watchdog_oom.host.spools.scan_messages import (
    Scanned,
    Used,
    ask_line,
    parse_news,
    parse_order,
    rescan_line,
    scanned_line,
    split_lines,
    used_line,
)

COUNT = st.integers(0, 1 << 62)
WORDS = st.none() | st.text(max_size=20)


@given(st.text(max_size=20), st.builds(
    SpoolState, st.floats(0, 1e9), WORDS, COUNT, COUNT, COUNT, st.floats(0, 1e9), COUNT, COUNT, COUNT, COUNT,
    st.booleans(), st.booleans(), WORDS))
def test_a_state_arrives_as_it_was_sent_in_one_line(spool: str, state: SpoolState) -> None:
    line = scanned_line(spool, state)
    assert line.count(b"\n") == 1
    assert parse_news(line) == Scanned(spool, state)


@given(st.dictionaries(st.builds(ProcessId, COUNT, COUNT), st.none() | st.frozensets(st.text(max_size=5))))
def test_the_users_of_spools_arrive_as_they_were_sent(users: dict[ProcessId, frozenset[str] | None]) -> None:
    assert parse_news(used_line(users)) == Used(users)


@given(st.binary(max_size=200))
def test_no_bytes_break_a_parser(line: bytes) -> None:
    assert parse_news(line) is None
    assert isinstance(parse_order(line), list)


def test_what_makes_no_sense_is_no_news() -> None:
    for line in (b'["scanned", "s", [1]]', b'["scanned", "s", [0,null,1,1,"1",0,0,0,0,0,true,true,null]]',
                 b'["scanned", "s", [0,null,1,1,true,0,0,0,0,0,true,true,null]]', b'["used", [[1, 2]]]',
                 b'["used", [["x", 2, []]]]', b"{}", b"[" * 5000):
        assert parse_news(line) is None


def test_orders_are_lists_that_begin_with_their_name() -> None:
    assert parse_order(rescan_line("s\n")) == ["rescan", "s\n"]
    assert parse_order(ask_line([ProcessId(1, 2)])) == ["ask", [[1, 2]]]


def test_whole_lines_are_taken_and_half_a_line_is_kept() -> None:
    received = bytearray(b"one\ntwo\nthr")
    assert split_lines(received) == [b"one", b"two"]
    assert received == b"thr"

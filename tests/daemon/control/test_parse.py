from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import at_most
from watchdog_oom.core.requests import PauseRule, Rearm, Reload, ResumeRule, RunNow, Steering
from watchdog_oom.daemon.control.parse import parse
from watchdog_oom.errors import UsageError


def line(**keys: object) -> bytes:
    return json.dumps({"v": 1, **keys}).encode()


@pytest.mark.parametrize(("asked", "request_"), [
    (line(ask="pause", rule="limit.x", for_seconds=60, why="disk"), PauseRule("limit.x", 60.0, "disk")),
    (line(ask="pause", rule=None, for_seconds=604800.0), PauseRule(None, 604800.0)),
    (line(ask="resume", rule=None), ResumeRule(None)), (line(ask="rearm", rule="x"), Rearm("x")),
    (line(ask="run", rule="x", why="smoke\x1b[2J"), RunNow("x", "smoke\\x1b[2J")), (line(ask="reload"), Reload())])
def test_each_request_is_read(asked: bytes, request_: Steering) -> None:
    assert parse(asked) == request_


@pytest.mark.parametrize(("asked", "words"), [
    (b"", "one line of JSON"), (b"{", "one line of JSON"), (b"[" * 4096, "one line of JSON"),
    (b'{"v":1}\xff', "one line of JSON"), (b"9" * 4096, "one JSON object"), (b"[]", "one JSON object"),
    (b'{"ask":"reload"}', "one JSON object"), (line(ask="shutdown"), '"ask" is one of'),
    (line(ask=["reload"]), '"ask" is one of'), (line(ask="run"), "the keys of run"),
    (line(ask="reload", argv=["sh"]), "the keys of reload"), (line(ask="run", rule=7), '"rule" is a text'),
    (line(ask="run", rule="x" * 201), '"rule" is a text'), (line(ask="rearm", rule=None), '"rule" is a text'),
    (line(ask="reload", why="x" * 501), '"why" is a text')])
def test_whatever_is_no_request_is_refused_in_words(asked: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("[", "\\[")):
        parse(asked)


@pytest.mark.parametrize("seconds", [0, 0.9, -1, 604801, 3.2e8, "60", None, True, float("nan"), float("inf"), 10**400])
def test_a_pause_is_neither_without_end_nor_without_length(seconds: object) -> None:
    with pytest.raises(UsageError, match="between 1s and 7d"):
        parse(line(ask="pause", rule="x", for_seconds=seconds))


values: st.SearchStrategy[object] = st.sampled_from([
    None, True, 1, 60, -1.5, float("nan"), 10**30, "x", "\ud800", "\x1b", [], {}, [[1]], "all"])
fields = st.fixed_dictionaries({"v": st.sampled_from([1, 1, 2]), "ask": st.sampled_from(
    ["pause", "resume", "rearm", "run", "reload"])}, optional={"rule": values, "for_seconds": values, "why": values})


@settings(max_examples=at_most(60))
@given(st.binary(max_size=60) | fields.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_break_it(asked: bytes) -> None:
    try:
        request = parse(asked)
    except UsageError as error:
        assert str(error).isprintable()
    else:
        assert request.why.isprintable()

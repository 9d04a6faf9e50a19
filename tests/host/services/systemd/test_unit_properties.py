"""A unit's properties from systemd, as a state and in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.host.services.fake_systemd import unit
from watchdog_oom.core.model import UNLIMITED_BYTES, ServiceState, ServiceStatus
from watchdog_oom.host.services.systemd.unit_properties import (
    FOREVER_SECONDS,
    MARGIN_SECONDS,
    control_group_of,
    deadline_seconds,
    judge,
    properties_of,
    refusal,
    refused_by_start_limit,
    to_state,
    unit_path,
)


def facts(name: str = "a.service", **changed: Any) -> dict[str, Any]:
    found = properties_of((unit(name, **changed),))
    assert found is not None
    return dict(found)


DOWN: dict[str, Any] = {"ActiveState": "inactive", "SubState": "dead", "MainPID": 0}
FAILED = {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code"}


@pytest.mark.parametrize(("name", "path"), [
    ("amavis", "amavis_2eservice"), ("a-b@1.socket", "a_2db_401_2esocket"), ("9p.mount", "_39p_2emount"),
    ("x_y", "x_5fy_2eservice"), ("dev-sda\\x2d1.swap", "dev_2dsda_5cx2d1_2eswap")])
def test_a_name_is_escaped_as_systemd_does_it(name: str, path: str) -> None:
    assert unit_path(name) == f"/org/freedesktop/systemd1/unit/{path}"


def test_a_running_unit_is_told_with_all_that_is_known_of_it() -> None:
    assert to_state("a", facts(NRestarts=2), 7.5) == ServiceState(
        "a", ServiceStatus.ACTIVE, 7.5, 812, "active (running), restarts: 2", UNLIMITED_BYTES, UNLIMITED_BYTES,
        result="success", restarts=2, invocation="0102", memory_current_bytes=4096,
        control_group="/system.slice/a.service", start_seconds=105.0, stop_seconds=215.0)


@pytest.mark.parametrize(("changed", "status", "words"), [
    ({"ActiveState": "activating", "SubState": "start"}, ServiceStatus.CHANGING, "activating (start)"),
    ({"ActiveState": "deactivating", "SubState": "stop-post"}, ServiceStatus.CHANGING, "deactivating (stop-post)"),
    (FAILED | {"Result": "oom-kill"}, ServiceStatus.FAILED, "failed, oom-kill"),
    (DOWN, ServiceStatus.INACTIVE, "inactive (dead)"),
    (DOWN | {"TriggeredBy": ["a.socket", "a.timer"]}, ServiceStatus.INACTIVE,
     "inactive (dead), started by a.socket, a.timer"),
    (DOWN | {"ConditionResult": False, "Conditions": [("ConditionPathExists", False, True, "/x", -1),
                                                      ("ConditionUser", False, False, "y", 1)]},
     ServiceStatus.INACTIVE, "inactive (dead), a condition of its unit is not met: ConditionPathExists=!/x"),
    (DOWN | {"ConditionResult": False, "ConditionTimestamp": 0}, ServiceStatus.INACTIVE, "inactive (dead)"),
    (DOWN | {"LoadState": "masked"}, ServiceStatus.MISSING, "the unit is masked; only the operator can unmask it"),
    (DOWN | {"LoadState": "not-found"}, ServiceStatus.MISSING, "there is no such unit"),
    ({"ActiveState": ""}, ServiceStatus.UNKNOWN, "systemd does not report its state")])
def test_each_state_of_systemd_has_one_of_ours_and_words(changed: dict[str, Any], status: ServiceStatus,
                                                        words: str) -> None:
    state = to_state("a", facts(**changed), 0.0)
    assert (state.status, state.words) == (status, words)


def test_an_alias_is_told_with_the_name_that_counts() -> None:
    state = to_state("mysqld", facts("mariadb.service"), 0.0)
    assert (state.unit, state.words) == ("mysqld", "active (running), is mariadb.service")


def test_what_systemd_does_not_know_is_not_a_number() -> None:
    state = to_state("a", facts(MemoryCurrent=2**64 - 1), 0.0)
    assert state.memory_current_bytes is None


@pytest.mark.parametrize(("timeout_us", "seconds"), [
    (90_000_000, 90.0 + MARGIN_SECONDS), (900_000_000, 900.0 + MARGIN_SECONDS), (0, FOREVER_SECONDS),
    (2**64 - 1, FOREVER_SECONDS), (None, None), (True, None), ("90", None)])
def test_the_units_own_deadline_counts_and_forever_is_15_minutes(timeout_us: object, seconds: float | None) -> None:
    assert deadline_seconds(timeout_us) == seconds


@pytest.mark.parametrize(("verb", "result", "after", "ok", "words"), [
    ("stop", "done", DOWN, True, "stop done"),
    ("stop", "done", DOWN | {"TriggeredBy": ["a.socket"]}, True, "stop done; a.socket may start it again"),
    ("start", "done", {}, True, "start done"),
    ("start", "done", DOWN, False, "start done, but it does not run; it is inactive (dead)"),
    ("start", "done", DOWN | {"Type": "oneshot"}, True, "start done"),
    ("start", "done", DOWN | {"ConditionResult": False, "ConditionTimestamp": 0,
                              "Conditions": [("ConditionPathExists", False, False, "/x", 0)]},
     False, "start done, but a condition of its unit is not met: ConditionPathExists=/x"),
    ("start", "failed", FAILED, False, "start failed; it is failed, exit-code"),
    ("start", "dependency", DOWN, False,
     "start failed: a unit that it needs could not be started; it is inactive (dead)"),
    ("stop", "timeout", FAILED | {"Result": "timeout"}, False,
     "stop failed: the job timed out; it is failed, timeout"),
    ("stop", "canceled", {}, False,
     "stop failed: canceled: another request to systemd replaced it; it is active (running)"),
    ("start", "assert", DOWN, False, "start failed: an assertion of its unit is not met; it is inactive (dead)"),
    ("start", "a\x1bb", DOWN, False, "start failed: a\\x1bb; it is inactive (dead)"),
    ("stop", "", DOWN, True, "the end of the stop was not seen; it is inactive (dead)"),
    ("stop", "", {}, False, "the end of the stop was not seen; it is active (running)"),
    ("start", "", {}, True, "the end of the start was not seen; it is active (running)")])
def test_what_became_of_a_job_is_judged_by_its_result_and_by_the_unit(verb: str, result: str, after: dict[str, Any],
                                                                     ok: bool, words: str) -> None:
    assert judge(verb, result, facts(**after)) == (ok, words)


def test_a_result_without_a_look_at_the_unit_is_taken_as_it_is() -> None:
    assert judge("stop", "done", None) == (True, "stop done")
    assert judge("start", "failed", None) == (False, "start failed")
    assert judge("start", "", None) == (False, "the end of the start was not seen")


def test_a_start_limit_is_known_by_its_name_or_by_a_start_that_never_began() -> None:
    """systemd 252 leaves "exit-code" where a start was refused by the limit after failures."""
    before, after = facts(**FAILED), facts(**FAILED)
    assert refused_by_start_limit(None, {**after, "Result": "start-limit-hit"})
    assert refused_by_start_limit(before, after)
    assert not refused_by_start_limit(None, after)
    assert not refused_by_start_limit(before, {**after, "InvocationID": b"\x09"})
    assert not refused_by_start_limit(facts(**DOWN), after)
    assert not refused_by_start_limit(before, {**after, "StartLimitBurst": 0})
    assert not refused_by_start_limit({**before, "InvocationID": b""}, {**after, "InvocationID": b""})


@pytest.mark.parametrize(("name", "text", "words"), [
    ("org.freedesktop.systemd1.UnitMasked", "Unit a.service is masked.",
     "start refused: the unit is masked; only the operator can unmask it"),
    ("org.freedesktop.systemd1.TransactionIsDestructive", "…",
     "start refused: another job for it is queued, perhaps the operator's, and is not reversed"),
    ("org.freedesktop.systemd1.New", "Some\nthing", "start refused: Some; thing"),
    ("org.x", "", "start refused: org.x")])
def test_a_refused_call_is_told_in_words(name: str, text: str, words: str) -> None:
    assert refusal("start", name, text) == words


@pytest.mark.parametrize(("changed", "group"), [
    ({}, "/system.slice/a.service"), ({"ControlGroup": ""}, "/system.slice/a.service"),
    ({"ControlGroup": "", "Slice": "a-b.slice"}, "/a.slice/a-b.slice/a.service"),
    ({"ControlGroup": "", "Slice": "-.slice"}, "/a.service"), ({"ControlGroup": "", "Slice": ""}, "")])
def test_the_control_group_is_known_even_of_a_unit_that_is_down(changed: dict[str, Any], group: str) -> None:
    assert control_group_of(facts(**changed)) == group


@pytest.mark.parametrize("body", [(), (1,), ({},) * 2, ({1: ("s", "x")},), ({"Id": "x"},), ({"Id": ("s",)},)])
def test_an_answer_of_another_shape_is_none(body: tuple[Any, ...]) -> None:
    assert properties_of(body) is None


_VALUES = st.one_of(st.none(), st.booleans(), st.integers(-2**65, 2**65), st.text(max_size=8), st.binary(max_size=4),
                    st.lists(st.one_of(st.text(max_size=4), st.tuples(st.text(max_size=3), st.booleans(), st.booleans(),
                                                                      st.text(max_size=3), st.integers(-1, 1)))))


@given(st.dictionaries(st.sampled_from(sorted({*unit("a")} | {"Bad"})), _VALUES))
def test_whatever_the_values_are_the_words_can_be_printed(values: dict[str, Any]) -> None:
    assert to_state("a", values, 0.0).words.isprintable()
    assert judge("start", "done", values)[1].isprintable()
    refused_by_start_limit(values, values)
    control_group_of(values)

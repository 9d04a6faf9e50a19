"""The services of a policy are asked about at once, by real init scripts, while the caller does other things."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from watchdog_oom.cli import service_answers
from watchdog_oom.cli.service_answers import ServiceAnswers
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.nouns import ServiceNoun
from watchdog_oom.core.policy import Policy
from watchdog_oom.host.services.lsb import Lsb

DEADLINE_SECONDS = 20.0


def _script(directory: Path, name: str, body: str) -> None:
    (directory / name).write_text(f"#!/bin/sh\n{body}\n")
    (directory / name).chmod(0o755)


def _policy(*names: str) -> Policy:
    return Policy(services={name: ServiceNoun(name, f"{name}.service") for name in names})


def test_the_scripts_run_side_by_side_before_anybody_waits_for_them(tmp_path: Path) -> None:
    # Each ends only when it has seen that the other has begun.
    for name, other in (("one", "two"), ("two", "one")):
        _script(tmp_path, name, f"touch {tmp_path}/{name}.begun; until [ -e {tmp_path}/{other}.begun ]; do sleep 0.02; "
                                "done; exit 3")
    with closing(ServiceAnswers(_policy("one", "two"), Lsb(str(tmp_path)))) as answers:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not ((tmp_path / "one.begun").exists() and (tmp_path / "two.begun").exists()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        states = answers.of(())
    assert list(states) == ["one", "two"]
    assert {state.status for state in states.values()} == {ServiceStatus.INACTIVE}


def test_more_than_may_be_asked_at_once_are_all_asked(tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(7)]
    for name in names:
        _script(tmp_path, name, "exit 0")
    with closing(ServiceAnswers(_policy(*names), Lsb(str(tmp_path)))) as answers:
        assert {state.status for state in answers.of(()).values()} == {ServiceStatus.ACTIVE}
        assert list(answers.of(())) == names


def test_one_that_does_not_answer_is_unknown_and_holds_nobody_up_for_long(tmp_path: Path) -> None:
    _script(tmp_path, "hung", "exec sleep 60")
    _script(tmp_path, "well", "exit 0")
    began = time.monotonic()
    with closing(ServiceAnswers(_policy("hung", "well"), Lsb(str(tmp_path)))) as answers:
        states = answers.of(())
    assert time.monotonic() - began < service_answers.SERVICES_SECONDS + DEADLINE_SECONDS
    assert states["well"].status is ServiceStatus.ACTIVE
    assert (states["hung"].status, states["hung"].words) == (ServiceStatus.UNKNOWN, "no answer within 3s")

"""Nights: what a daemon left in the journal and in the recording, and the page made of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from tests.report.journaled import journaled
from tests.report.mail_night import MailNight
from watchdog_oom.core.model import Snapshot
from watchdog_oom.report.model import Night, NightSpan
from watchdog_oom.report.night import NightFacts, night_of

BEGINS = 1_772_308_800.0  # 2026-02-28 20:00 UTC


@pytest.fixture(scope="session", autouse=True)
def utc() -> Iterator[None]:
    """Times in the tests are those of UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.fixture(scope="session")
def mail_night() -> MailNight:
    return MailNight(BEGINS)


@pytest.fixture(scope="session")
def plain_records(mail_night: MailNight) -> list[dict[str, Any]]:
    """The records of that night as the journal gives them back."""
    return journaled(mail_night.records())


@pytest.fixture(scope="session")
def snapshots(mail_night: MailNight) -> list[Snapshot]:
    return list(mail_night.snapshots())


@pytest.fixture(scope="session")
def whole_night(mail_night: MailNight, plain_records: list[dict[str, Any]], snapshots: list[Snapshot]) -> Night:
    return night_from(plain_records, snapshots, mail_night.status())


@pytest.fixture
def night() -> Callable[..., Night]:
    return night_from


def night_from(records: Iterable[Mapping[str, Any]] = (), snapshots: Iterable[Snapshot] = (),
         status: Mapping[str, Any] | None = None, *, hours: float = 10.5, **rest: Any) -> Night:
    span = NightSpan(BEGINS, BEGINS + hours * 3600)
    return night_of(NightFacts(span, list(records), snapshots, status, rest.pop("host", "mail"), **rest))

"""Nothing of what tells whose host it is stays, whatever field it is in; what the rules reckon with stays."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import proc, snapshot
from tests.examples import at_most
from tests.recorder.snapshots import records
from watchdog_oom.cli.record.anonymous import Anonymous
from watchdog_oom.cli.record.words import Words
from watchdog_oom.core.decide import decide
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Snapshot
from watchdog_oom.core.policy import Policy
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.recorder.frames import encode
from watchdog_oom.recorder.sample import Sample, SampleKind

SECRETS = st.sampled_from(["ACMEsecret", "/srv/ACMEsecret/x", "ACMEsecret.service", "a line\nof ACMEsecret"])


@settings(max_examples=at_most(25), deadline=None)
@given(records(Snapshot, SECRETS))
def test_no_text_of_the_host_is_left_in_any_field(seen: Snapshot) -> None:
    sample = Sample(seen, SampleKind.NEAR, about={"host": "mail.ACMEsecret.example", "other": "ACMEsecret"},
                    extra={"meminfo": "ACMEsecret"}, read_boottime=1.0)
    new = Anonymous(Words()).sample(sample)
    assert b"ACMEsecret" not in encode(None, new.snapshot, about=new.about)
    assert not new.extra


def test_numbers_and_the_order_of_processes_stay_and_the_unchanged_is_not_made_anew() -> None:
    first = snapshot(proc(12, "acme", rss=40, uid=5000, exe="/opt/acme/bin/acme", swap_bytes=7), proc(3, "acme"))
    anonymous = Anonymous(Words())
    one, two = anonymous.snapshot(first), anonymous.snapshot(replace(first))
    assert list(one.processes) == [12, 3] and one.memory == first.memory and one.clock == first.clock
    assert one.processes[12].rss_bytes == first.processes[12].rss_bytes and one.processes[12].swap_bytes == 7
    assert one.processes[12].comm == one.processes[3].comm != "acme"
    assert one.processes[12].facts.exe == f"/{one.processes[12].facts.exe.split('/')[1]}/{one.processes[3].comm}/bin/{one.processes[3].comm}"  # type: ignore[union-attr]  # noqa: E501
    assert two.processes[12] is one.processes[12]


def test_a_host_without_names_is_decided_upon_as_before() -> None:
    seen = snapshot(proc(3, "sshd", exe="/usr/sbin/sshd"))
    new = Anonymous(Words()).snapshot(seen)
    assert decide(new, Policy(), History(), Budget()) == decide(seen, Policy(), History(), Budget())
    assert new.processes[3] == seen.processes[3]

"""Messages say what happened, and no name of a process gets out of their text."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy

from hypothesis import given
from hypothesis import strategies as st

from tests.cli.notify.made import NOW, OPS, incident, over, told
from tests.cli.notify.test_cases import CASES
from watchdog_oom.cli.notify.cases import CaseKind, NotifyCase, ToldStage
from watchdog_oom.cli.notify.mail import mail_of
from watchdog_oom.cli.notify.messages import header_text, message_of, trial
from watchdog_oom.cli.notify.schedule import Delivery
from watchdog_oom.cli.notify.senders import command_of, json_of

HEADERS = {"From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "MIME-Version",
           "Content-Type", "Content-Transfer-Encoding"}


def about(case: NotifyCase, stage: ToldStage = ToldStage.ENDED) -> Delivery:
    return Delivery(OPS, ((case, stage),))


def test_the_subject_says_how_it_stands() -> None:
    subjects = [message_of(about(case, stage), "mail1", NOW + 2400).subject for case, stage in (
        (incident(), ToldStage.OPENED), (incident(), ToldStage.ESCALATED), (over(ok=True), ToldStage.ENDED),
        (over(ok=False, told=told(ToldStage.OPENED)), ToldStage.ENDED), (over(kind=CaseKind.ALARM), ToldStage.ENDED),
        (over(kind=CaseKind.ACTS, steps=("a", "b")), ToldStage.ENDED), (over(kind=CaseKind.DIGEST), ToldStage.ENDED))]
    assert subjects == [
        "[mail1] recover.x: an incident began", "[mail1] recover.x: STILL OPEN after 40min",
        "[mail1] recover.x: an incident, over after 5s", "[mail1] recover.x: over, but FAILED after 5s",
        "[mail1] recover.x: needs attention", "[mail1] recover.x: 2 acts", "[mail1] watchdog-oom: the night"]


def test_messages_of_one_incident_are_one_thread_and_each_has_an_id_of_its_own() -> None:
    first = message_of(about(incident(), ToldStage.OPENED), "h", NOW)
    later = message_of(about(incident(told=told(ToldStage.OPENED)), ToldStage.ESCALATED), "h", NOW)
    end = message_of(about(over(told=told(ToldStage.ESCALATED))), "h", NOW)
    alone = message_of(about(over()), "h", NOW)
    assert (first.replies_to, later.replies_to, end.replies_to) == ("", first.id, first.id)
    assert len({first.id, later.id, end.id}) == 3
    assert alone.id == end.id  # sent again after a kill, or to somebody who was told nothing before
    assert message_of(about(incident("x-1.2"), ToldStage.OPENED), "h", NOW).id != first.id


@given(st.lists(CASES, min_size=1, max_size=7), st.sampled_from(ToldStage), st.text(max_size=20))
def test_whatever_a_case_holds_a_mail_has_its_own_headers_alone_and_the_text_as_it_is(
        cases: list[NotifyCase], stage: ToldStage, host: str) -> None:
    message = message_of(Delivery(OPS, tuple((case, stage) for case in cases)), host, NOW)
    mail = mail_of(message, ("ops@example.com",), "w@example.com", host, NOW)
    parsed = message_from_bytes(mail, policy=policy.default)
    assert set(parsed.keys()) <= HEADERS
    assert parsed["To"] == "ops@example.com"
    assert not parsed.defects
    head, _, body = mail.partition(b"\n\n")
    assert head.isascii() and b"\r" not in head
    assert max(map(len, body.split(b"\n"))) <= 78
    assert b"." not in body.split(b"\n")


@given(CASES, st.sampled_from(ToldStage))
def test_an_argument_has_nothing_in_it_but_what_a_header_may(case: NotifyCase, stage: ToldStage) -> None:
    target = replace(OPS, apprise="/etc/apprise.conf")
    message = message_of(Delivery(target, ((case, stage),)), "h", NOW)
    argv, _ = command_of(target, message, "h", NOW)
    (title,) = (word.removeprefix("--title=") for word in argv if word.startswith("--title="))
    assert title == header_text(title)
    assert title.startswith("[h] ")
    assert json_of(message, "h", NOW).isascii()
    assert json_of(message, "h", NOW).count(b"\n") == 1


def test_a_name_with_a_line_end_in_it_becomes_neither_a_header_nor_a_command() -> None:
    message = message_of(about(over(rule="x\r\nBcc: evil@example.com\x1b[2J")), "h\nBcc: y", NOW)
    assert "\n" not in message.subject and "\r" not in message.subject and "\x1b" not in message.subject


def test_the_text_of_a_mail_survives_its_encoding() -> None:
    message = replace(trial("h", NOW), text="a line of ümlauts = yes\n.\n" + "x" * 300 + "\nend \n")
    parsed = message_from_bytes(mail_of(message, ("a@b",), "", "h", NOW), policy=policy.default)
    assert parsed.get_content() == message.text
    assert parsed["From"] is None

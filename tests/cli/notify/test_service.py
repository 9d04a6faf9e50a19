"""The notifier as a process of its own, with a real mail server, a real webhook, and kills in between."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.notify.conftest import SLOW, MailServer, Night
from watchdog_oom.journal import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

NOBODY = 65534
Until = Callable[[Callable[[], object], str], None]
Program = Callable[[str, str], Path]
FAST = '[notify]\nhost = "mail1"\nsettle = "0s"\nretry = "100ms"\n'
WEBHOOK = """
import sys, urllib.request
urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:{port}/", data=sys.stdin.buffer.read()), timeout=10)
"""


@pytest.fixture
def hook() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A web server's port, and what was posted to it."""
    posted: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1], posted
    server.shutdown()
    thread.join()
    server.server_close()


def mailing(sendmail: Path, more: str = "") -> str:
    return f'[target.ops]\nmail = ["ops@example.com"]\nsendmail = ["{sendmail}"]\n{more}'


@pytest.mark.slow
def test_an_incident_while_the_mail_server_was_down_comes_as_one_mail_with_its_end(
        night: Night, sendmail: Path, mail_server: MailServer) -> None:
    night.configure(FAST + mailing(sendmail))
    assert night.once().returncode == 0
    night.opens()
    done = night.once()
    assert done.returncode == 1
    assert "1 message could not be sent yet" in done.stderr
    night.closes()
    assert night.once().returncode == 1
    told = night.standing()["targets"]["ops"]
    assert (told["waiting"], told["failures"]) == (1, 2)
    assert "cannot reach the server: Connection refused" in told["last_error"]
    time.sleep(0.3)  # the wait after a failure
    mail_server.start()
    assert night.once().returncode == 0
    (mail,) = mail_server.received
    assert mail["Subject"].startswith("[mail1] recover.amavis: an incident, over after ")
    assert mail_server.recipients == ["ops@example.com"]
    body = mail.get_content()
    assert "swap is gone" in body
    assert "stop amavis.service: stop done" in body
    assert "Result: closed: success" in body
    assert night.once().returncode == 0
    assert len(mail_server.received) == 1


def test_the_end_follows_the_beginning_in_the_same_thread(
        night: Night, sendmail: Path, mail_server: MailServer, until: Until) -> None:
    mail_server.start()
    night.configure(FAST + mailing(sendmail))
    night.start()
    until(night.standing, "the first sign of life")
    night.opens()
    until(lambda: len(mail_server.received) == 1, "the beginning")
    night.closes(ok=False)
    until(lambda: len(mail_server.received) == 2, "the end")
    first, second = mail_server.received
    assert first["Subject"] == "[mail1] recover.amavis: an incident began"
    assert second["Subject"].startswith("[mail1] recover.amavis: over, but FAILED after ")
    assert second["References"] == second["In-Reply-To"] == first["Message-ID"] != second["Message-ID"]
    assert first["References"] is None


def test_one_that_is_killed_while_it_sends_loses_nothing_and_repeats_with_the_same_id(
        night: Night, sendmail: Path, mail_server: MailServer, until: Until) -> None:
    mail_server.start()
    quick = sendmail.read_text()
    sendmail.write_text(quick + SLOW.format(seconds=60))
    night.configure(FAST + mailing(sendmail))
    night.start()
    until(night.standing, "the first sign of life")
    night.opens()
    until(lambda: len(mail_server.received) == 1, "the beginning")
    night.kill()  # it was sent, and nobody wrote that down
    sendmail.write_text(quick)
    assert night.once().returncode == 0
    first, again = mail_server.received
    assert first["Message-ID"] == again["Message-ID"]
    night.closes()  # nobody runs
    assert night.once().returncode == 0
    assert len(mail_server.received) == 3
    assert mail_server.received[2]["References"] == first["Message-ID"]


def test_a_program_gets_each_message_as_json_and_hands_it_to_a_webhook(
        night: Night, program: Program, hook: tuple[int, list[dict[str, Any]]]) -> None:
    port, posted = hook
    night.configure(f'{FAST}[target.hook]\nrun = ["{program("hook", WEBHOOK.format(port=port))}"]\n')
    night.once()
    night.opens(because=("the process \x1b[2J<b>\r\nBcc: x@y is too large",))
    assert night.once().returncode == 0
    (got,) = posted
    assert (got["v"], got["event"], got["host"], got["replies_to"]) == (1, "opened", "mail1", None)
    assert got["cases"][0]["because"] == ["the process \\x1b[2J<b>\\r\\nBcc: x@y is too large"]
    night.closes()
    assert night.once().returncode == 0
    assert (posted[1]["event"], posted[1]["replies_to"], posted[1]["cases"][0]["ok"]) == ("ended", got["id"], True)


def test_the_program_apprise_gets_a_title_and_a_text_and_no_word_of_a_process_as_an_argument(
        night: Night, program: Program) -> None:
    out = night.home / "given"
    apprise = program("apprise", "import sys\n"
                      f"open({str(out)!r}, 'w').write(repr((sys.argv[1:], sys.stdin.read())))\n")
    night.configure(f'{FAST}[target.chat]\napprise = "/etc/apprise.conf"\napprise_program = "{apprise}"\n'
                    'tag = "oncall"\n')
    night.once()
    night.tell(Kind.OUTCOME, rule="limit.x", step="KILL --config=/tmp/evil[7]", ok=True, result="KILL sent")
    assert night.once().returncode == 0
    arguments, text = eval(out.read_text())
    assert arguments == ["--verbose", "--input-format=text", "--config=/etc/apprise.conf",
                         "--title=[mail1] limit.x: 1 act", "--tag=oncall"]
    assert "KILL --config=/tmp/evil[7]: KILL sent" in text


def test_what_was_before_the_first_start_is_told_to_nobody(
        night: Night, sendmail: Path, mail_server: MailServer) -> None:
    mail_server.start()
    night.opens()
    night.configure(FAST + mailing(sendmail))
    assert night.once().returncode == 0
    night.closes()
    assert night.once().returncode == 0
    assert [mail["Subject"].partition(": ")[2].partition(" after")[0] for mail in mail_server.received] == [
        "an incident, over"]


@pytest.mark.slow
def test_an_incident_that_does_not_end_is_told_as_urgent_also_in_quiet_hours(
        night: Night, sendmail: Path, mail_server: MailServer, until: Until) -> None:
    mail_server.start()
    night.configure('[notify]\nhost = "mail1"\nsettle = "0s"\nquiet_hours = "00:00-24:00"\nescalate_after = "2s"\n'
                    + mailing(sendmail))
    night.once()
    night.opens()
    assert night.once().returncode == 1
    assert night.standing()["targets"]["ops"]["held_back"] == "quiet hours"
    assert mail_server.received == []
    night.start()
    until(lambda: mail_server.received, "the escalation")
    assert "recover.amavis: STILL OPEN after " in mail_server.received[0]["Subject"]
    night.closes()
    until(lambda: len(mail_server.received) == 2, "the end of what somebody was woken for")


@pytest.mark.slow
def test_the_digest_of_the_morning_is_the_text_of_the_report(
        night: Night, sendmail: Path, mail_server: MailServer) -> None:
    mail_server.start()
    night.configure(FAST + mailing(sendmail))
    night.once()
    night.opens()
    night.closes()
    night.configure(f'{FAST}digest = "00:00"\n{mailing(sendmail)}')
    assert night.once().returncode == 0
    assert len(mail_server.received) == 1  # today's time was over when it was asked for
    for state in (night.home / "state").glob("notify.json*"):
        state.write_text(re.sub('"digest_day":"[0-9-]+"', '"digest_day":"2026-01-01"', state.read_text()))
    assert night.once().returncode == 0
    digest = mail_server.received[-1]
    assert digest["Subject"] == "[mail1] watchdog-oom: the night"
    assert "recover.amavis" in digest.get_content()
    night.once()
    assert mail_server.received[-1] is digest


def test_two_of_them_never_share_a_state(night: Night, sendmail: Path, until: Until) -> None:
    night.configure(FAST + mailing(sendmail))
    night.start()
    until(night.standing, "the first sign of life")
    done = night.once()
    assert done.returncode == 2
    assert "another watchdog-oom notify uses it" in done.stderr


@pytest.mark.slow
def test_very_many_incidents_that_waited_come_in_one_message(
        night: Night, sendmail: Path, mail_server: MailServer) -> None:
    night.configure(FAST + mailing(sendmail))
    night.once()
    names: Sequence[str] = [f"x-1.{number}" for number in range(9)]
    for name in names:
        night.opens(name, "recover.x")
        night.closes(name, "recover.x")
    assert night.once().returncode == 1
    mail_server.start()
    time.sleep(0.3)  # the wait after a failure
    assert night.once().returncode == 0
    (mail,) = mail_server.received
    assert mail["Subject"] == "[mail1] watchdog-oom: 9 matters"
    assert mail.get_content().count("recover.x: an incident, over") == 9


@pytest.mark.slow
def test_records_that_rotation_took_before_they_were_read_are_told(
        night: Night, sendmail: Path, mail_server: MailServer) -> None:
    mail_server.start()
    night.configure(FAST + mailing(sendmail))
    night.tell(Kind.LATE, result="x")
    night.once()
    text = (night.home / "log" / "audit.jsonl")
    for _ in range(3):
        night.tell(Kind.LATE, result="x")
    night.journal.close()
    text.write_bytes(b"".join(text.read_bytes().splitlines(keepends=True)[-1:]))
    assert night.once().returncode == 0
    assert "2 records of the journal had been rotated away" in mail_server.received[0].get_content()


@pytest.mark.root
def test_as_the_unit_runs_it_it_reads_a_closed_journal_and_what_it_starts_cannot(night: Night) -> None:
    """Another user with one capability and no way to more; the journal and its directory are for root alone."""
    for parent in (night.home, *night.home.parents):
        if len(parent.parts) > 2:
            parent.chmod(0o755)
    (night.home / "log").chmod(0o700)
    for name in ("state", "run-notify"):
        (night.home / name).mkdir(mode=0o755)
        os.chown(night.home / name, NOBODY, NOBODY)
    hook, given = night.home / "hook", night.home / "run-notify" / "given"
    hook.write_text(f"#!/bin/sh\n{{ cat; id -u; grep CapEff /proc/self/status; cat {night.home}/log/audit.jsonl 2>&1; "
                    f"}} > {given}\nexit 0\n")
    hook.chmod(0o755)
    night.configure(f'{FAST}[target.hook]\nrun = ["{hook}"]\n')
    confined = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs",
                "--bounding-set=-all,+dac_read_search", "--inh-caps=-all,+dac_read_search",
                "--ambient-caps=-all,+dac_read_search", sys.executable, "-c",
                "from watchdog_oom.cli import main; main()", *night.options, "--once"]
    assert subprocess.run(confined, timeout=30, check=False).returncode == 0
    night.opens()
    assert subprocess.run(confined, timeout=30, check=False).returncode == 0
    message, user, capabilities, refused = given.read_text().splitlines()
    assert json.loads(message)["event"] == "opened"
    assert (user, capabilities.split()[1]) == (str(NOBODY), "0000000000000000")
    assert "Permission denied" in refused
    assert (night.home / "log").stat().st_mode & 0o777 == 0o700

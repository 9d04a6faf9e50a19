"""The units beside the daemon, each as its own user in its own sandbox: what they tell of a service that was killed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.vm.guest import Guest
from tests.vm.product import Product

# A mail server, and a web server to which apprise posts; what they get is printed, so it is in the system's journal.
SINK = """\
import asyncore, http.server, smtpd, threading
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print("posted:", self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(200)
        self.end_headers()
    def do_GET(self):
        self.do_POST()
class Mail(smtpd.SMTPServer):
    def process_message(self, peer, sender, recipients, data, **options):
        print("mailed:", recipients, data, flush=True)
threading.Thread(target=http.server.HTTPServer(("127.0.0.1", 8099), Hook).serve_forever, daemon=True).start()
Mail(("127.0.0.1", 2525), None)
asyncore.loop()
"""
TOLD = "/var/lib/watchdog-oom-notify/told.jsonl"
SETTINGS = f"""\
[notify]
settle = "1s"
[target.ops]
mail     = "ops@example.com"
sendmail = ["/usr/bin/msmtp", "--host=127.0.0.1", "--port=2525", "--from=root@guest", "-t"]
[target.chat]
apprise = "/etc/watchdog-oom/apprise.conf"
[target.file]
run = ["/usr/bin/tee", "--append", "{TOLD}"]
"""
POLICY = """
[service.worker]
unit = "worker.service"

[recover.worker]
when     = [{ service = "worker", failed = true }]
steps    = [{ start = "worker" }, { verify = "worker" }]
cooldown = "1s"
"""
TEXTFILE = "/var/lib/prometheus/node-exporter/watchdog_oom.prom"
# As docs/metrics.md has it.
OVER_HTTP = """\
[Service]
ExecStart=
ExecStart=/usr/bin/watchdog-oom metrics --listen 127.0.0.1:9763
PrivateNetwork=no
RestrictAddressFamilies=AF_INET AF_INET6
IPAddressAllow=localhost
"""
REPORT = "/var/log/watchdog-oom/report.html"
UNITS = ("watchdog-oom-notify", "watchdog-oom-metrics", "watchdog-oom-report")


@pytest.fixture(scope="module", autouse=True)
def companions(guest: Guest) -> None:
    """All of them are switched on as the documentation says."""
    guest.write("/usr/local/lib/sink.py", SINK)
    guest.check("systemd-run --quiet --unit=sink /usr/bin/python3 -W ignore /usr/local/lib/sink.py")
    guest.write("/etc/systemd/system/worker.service", "[Service]\nExecStart=/bin/sleep 7000\n")
    guest.write("/etc/watchdog-oom/notify.toml", SETTINGS)
    guest.write("/etc/watchdog-oom/apprise.conf", "json://127.0.0.1:8099/\n")
    guest.check("cd /etc/watchdog-oom && chgrp watchdog-oom-notify apprise.conf && chmod 640 apprise.conf; "
                f"mkdir -p {TEXTFILE.rpartition('/')[0]}; systemctl daemon-reload; systemctl start worker; "
                "systemctl enable --now watchdog-oom-notify watchdog-oom-metrics watchdog-oom-report.timer", 240)
    guest.until("test -s /run/watchdog-oom-notify/notify.json", 120)


@pytest.fixture(scope="module")
def incident(guest: Guest) -> str:
    """A service is killed, and the daemon starts it again; the incident's name."""
    product = Product(guest)
    product.enforce(POLICY)
    seq = product.last_seq()
    guest.check("systemctl kill --signal=KILL worker")
    closed = product.closed("recover.worker", seq)
    assert closed["result"].startswith("closed: success")
    name: str = closed["incident"]
    return name


@pytest.fixture(scope="module", autouse=True)
def nothing_was_denied(companions: None, guest: Guest) -> Iterator[None]:
    yield
    said = guest.check(f"journalctl --no-pager -o cat {' '.join(f'-u {unit}' for unit in UNITS)}")
    for word in ("denied", "not permitted", "Traceback", "Read-only", "could not", "Failed"):
        assert word not in said, said
    assert guest.check(f"systemctl show -p NRestarts --value {' '.join(UNITS)}").split() == ["0", "0", "0"]
    assert "sig=31" not in guest.check("journalctl -k --no-pager -o cat | grep -i audit: || true")


def test_people_are_told_by_mail_by_apprise_and_by_a_program(guest: Guest, incident: str) -> None:
    for words in ("mailed:.*Subject: .guest. recover.worker: an incident", 'posted:.*"title".*recover.worker'):
        guest.until(f"journalctl --no-pager -o cat -u sink | grep -q '{words}'", 240)
    guest.until(f"grep -q ended {TOLD}", 120)
    told = [json.loads(line) for line in guest.check(f"cat {TOLD}").splitlines()]
    ended = next(message for message in told if message["event"] == "ended")
    assert ended["cases"][0]["name"] == incident
    assert ended["cases"][0]["ok"] is True


def test_the_notifier_is_a_user_of_its_own_and_reads_a_journal_that_is_roots(guest: Guest, product: Product) -> None:
    pid = product.pid("watchdog-oom-notify")
    assert guest.check(f"stat -c %U /proc/{pid}") == "watchdog-oom-notify"
    assert guest.check("stat -c '%U %a' /var/log/watchdog-oom") == "root 700"
    assert guest.check(f"stat -c %U {TOLD}") == "watchdog-oom-notify"


def test_the_textfile_has_the_recovery_and_everybody_may_read_it(guest: Guest, incident: str) -> None:
    done = 'watchdog_oom_recoveries_total{result="ok",rule="recover.worker"} 1.0'
    guest.until(f"grep -qF '{done}' {TEXTFILE}", 120)
    assert "watchdog_oom_up 1.0" in guest.check(f"setpriv --reuid=nobody --clear-groups cat {TEXTFILE}").splitlines()


def test_metrics_are_served_over_http_with_the_settings_of_the_documentation(guest: Guest, incident: str) -> None:
    guest.write("/etc/systemd/system/watchdog-oom-metrics.service.d/override.conf", OVER_HTTP)
    guest.check("systemctl daemon-reload; systemctl restart watchdog-oom-metrics")
    fetch = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9763/metrics', timeout=30).read().decode())"
    served = guest.until(f'python3 -c "{fetch}" 2> /dev/null', 120)
    assert 'watchdog_oom_recoveries_total{result="ok",rule="recover.worker"} 1.0' in served


def test_the_page_of_the_night_is_made_by_starting_its_service(guest: Guest, incident: str) -> None:
    guest.check("systemctl start watchdog-oom-report", 240)
    assert guest.check(f"stat -c '%U %a' {REPORT}") == "root 640"
    assert "worker.service" in guest.check(f"cat {REPORT}")
    assert "worker.service" in guest.check("journalctl --no-pager -o cat -u watchdog-oom-report")
    assert guest.check("systemctl is-active watchdog-oom-report.timer") == "active"


@pytest.mark.parametrize(("unit", "most"), [(UNITS[0], 2.0), (UNITS[1], 2.0), (UNITS[2], 2.5)])
def test_each_unit_is_hardly_exposed(guest: Guest, unit: str, most: float) -> None:
    told = guest.check(f"systemd-analyze security --no-pager {unit} | tail -n 1")
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told)
    assert found is not None, told
    assert float(found[1]) <= most

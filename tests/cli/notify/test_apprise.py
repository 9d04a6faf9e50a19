"""The real apprise, where it is installed, told by the notifier, and a web server that it posts to."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.notify.conftest import Night
from watchdog_oom.journal import Kind

APPRISE = os.environ.get("APPRISE") or shutil.which("apprise")

pytestmark = pytest.mark.skipif(APPRISE is None, reason="apprise is not installed (pip install apprise, and APPRISE=)")


class Webhook:
    """Takes what is posted to it, on a port that stays the same while it is down."""

    def __init__(self) -> None:
        self.posted: list[dict[str, str]] = []
        self.port = 0
        self._server: http.server.HTTPServer | None = None

    def start(self) -> None:
        posted = self.posted

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    made = Webhook()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def chat(night: Night, webhook: Webhook, tmp_path: Path) -> Webhook:
    """The notifier tells apprise, and apprise the web server; what was before is told to nobody."""
    urls = tmp_path / "apprise.conf"
    urls.write_text(f"json://127.0.0.1:{webhook.port}/\n")
    night.configure('[notify]\nhost = "mail1"\nsettle = "0s"\nretry = "100ms"\n'
                    f'[target.chat]\napprise = "{urls}"\napprise_program = "{APPRISE}"\n')
    assert night.once().returncode == 0
    return webhook


def test_it_posts_the_title_and_the_text_as_they_are(night: Night, chat: Webhook) -> None:
    night.opens(because=("<b>größer</b> *als* \x1b[2J [x](http://evil)",))
    assert night.once().returncode == 0
    (posted,) = chat.posted
    assert posted["title"] == "[mail1] recover.amavis: an incident began"
    assert "\n  <b>größer</b> *als* \\x1b[2J [x](http://evil)\n" in posted["message"]


def test_while_its_server_is_down_status_knows_why_and_what_waited_comes_with_its_end(
        night: Night, chat: Webhook) -> None:
    chat.stop()
    night.opens()
    assert night.once().returncode == 1
    assert "Connection error" in night.standing()["targets"]["chat"]["last_error"]
    night.tell(Kind.OUTCOME, incident="amavis-1.1", rule="recover.amavis", step="stop amavis.service", ok=True,
               result="stop done")
    night.closes()
    chat.start()
    assert night.once().returncode == 0
    (posted,) = chat.posted
    assert posted["title"].startswith("[mail1] recover.amavis: an incident, over after ")
    assert "stop amavis.service" in posted["message"]

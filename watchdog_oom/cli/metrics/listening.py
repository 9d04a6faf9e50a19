"""HTTP on loopback, for a Prometheus or an agent on this host: one request at a time, and none holds up the next."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from watchdog_oom.cli.output import safe
from watchdog_oom.errors import UsageError, WatchdogError

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client.registry import CollectorRegistry

PATIENCE_SECONDS = 5.0
PATHS = ("/", "/metrics")


def address_of(text: str) -> tuple[str, int]:
    """Host and port of ``127.0.0.1:9763`` or ``[::1]:9763``. UsageError where it is none, or not of loopback: there is
    no password, so nobody else may ask."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        number = int(port)
    except ValueError:
        raise UsageError(f"--listen {text}: write an address and a port: 127.0.0.1:9763") from None
    if not colon or not 0 <= number <= 65535:
        raise UsageError(f"--listen {text}: write an address and a port: 127.0.0.1:9763")
    if not address.is_loopback:
        raise UsageError(f"--listen {text}: only loopback, since there is no password: listen on 127.0.0.1:{number} "
                         f"and let a proxy, or the textfile of node_exporter, carry it further")
    return str(address), number


def server_of(host: str, port: int, registry: CollectorRegistry,
              patience_seconds: float = PATIENCE_SECONDS) -> WSGIServer:
    """It is bound and listens; ``serve_forever`` answers. A connection may be silent for so long."""
    from prometheus_client import make_wsgi_app
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    kind = type("LoopbackServer", (WSGIServer,), {"address_family": family})
    handler = type("PatientHandler", (QuietHandler,), {"timeout": patience_seconds})
    try:
        server: WSGIServer = kind((host, port), handler)
    except OSError as error:
        raise WatchdogError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    server.set_app(_only_metrics(make_wsgi_app(registry, disable_compression=True)))
    return server


class QuietHandler(WSGIRequestHandler):
    """Tells only of errors."""

    def address_string(self) -> str:
        return str(self.client_address[0])

    def log_request(self, *_: object) -> None:
        """A request every few seconds is no news."""

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name is http.server's
        print(safe(f"watchdog-oom: {self.address_string()}: {format % arguments}"), file=sys.stderr)


def _only_metrics(app: Any) -> Callable[..., Iterable[bytes]]:
    """GET of the metrics; everything else is not there."""
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or environ["PATH_INFO"] not in PATHS:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"only /metrics is here\n"]
        found: Iterable[bytes] = app(environ, start_response)
        return found
    return answer

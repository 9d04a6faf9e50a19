"""``watchdog-oom metrics``: the daemon's state and what it did, for Prometheus."""

from __future__ import annotations

from contextlib import suppress

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.metrics.series import require_prometheus
from watchdog_oom.errors import UsageError
from watchdog_oom.paths import LOG
from watchdog_oom.policy.units import parse_duration

SHORTEST_SECONDS = 1.0


@click.command(short_help="What Prometheus is to know of the daemon.")
@options.runtime
@click.option("--log", metavar="DIR", default=LOG, type=click.Path(readable=False),
              help=f"The journal's directory [{LOG}].")
@click.option("--textfile", metavar="FILE", type=click.Path(readable=False),
              help="Write DIR/watchdog_oom.prom for node_exporter, again and again.")
@click.option("--every", metavar="TIME", help="How often that file is written [15s].")
@click.option("--once", is_flag=True, help="Write that file once.")
@click.option("--listen", metavar="ADDRESS:PORT", help="Answer over HTTP on loopback, such as 127.0.0.1:9763.")
def metrics(runtime: str, log: str, textfile: str | None, every: str | None, once: bool, listen: str | None) -> None:
    """Print what Prometheus is to know of the daemon: its state, and what it did since the host was booted. With
    --textfile, write it into a file that node_exporter reads; with --listen, answer over HTTP.

    Counters are those of the journal: a restart of the daemon does not set them back. A daemon that does not run is no
    error: watchdog_oom_up says so.

    Exit status: 0 fine, 2 wrong usage or a library is missing, 3 not permitted.
    """
    _check(textfile, every, listen, once=once)
    seconds = _interval(every)
    require_prometheus()
    from prometheus_client.exposition import generate_latest

    from watchdog_oom.cli.metrics.collector import DaemonCollector, registry_of
    from watchdog_oom.cli.metrics.listening import address_of, server_of
    from watchdog_oom.cli.metrics.textfile import checked_name, write_forever, write_once
    from watchdog_oom.host.clock import boot_id
    collector = DaemonCollector(runtime, log, boot_id())
    registry = registry_of(collector)
    try:
        if listen is not None:
            host, port = address_of(listen)
            generate_latest(registry)  # what may not be read is said now, and what is long is read before anybody waits
            with server_of(host, port, registry) as server, suppress(KeyboardInterrupt):
                server.serve_forever()
        elif textfile is None:
            click.echo(generate_latest(registry).decode(), nl=False)
        elif once:
            write_once(checked_name(textfile), generate_latest(registry))
        else:
            write_forever(checked_name(textfile), seconds, lambda: generate_latest(registry))
    finally:
        collector.close()


def _check(textfile: str | None, every: str | None, listen: str | None, *, once: bool) -> None:
    if textfile is not None and listen is not None:
        raise UsageError("--textfile and --listen exclude each other; run the command twice for both")
    if textfile is None and (once or every is not None):
        raise UsageError("--once and --every are about --textfile FILE; without it, everything is printed once")
    if once and every is not None:
        raise UsageError("--once and --every exclude each other")


def _interval(every: str | None) -> float:
    if every is None:
        return 15.0
    try:
        seconds = parse_duration(every)
    except ValueError as error:
        raise UsageError(f"--every {every}: {error}") from None
    if seconds < SHORTEST_SECONDS:
        raise UsageError(f"--every {every}: once a second at most")
    return seconds

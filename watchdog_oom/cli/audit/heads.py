"""``audit verify --heads``: the journal against the hashes that another host collected."""

from __future__ import annotations

import click

from watchdog_oom.errors import UsageError
from watchdog_oom.formatting import printable
from watchdog_oom.journal.attested import heads_in, unlike


def compare_heads(directory: str, collected: bytes) -> bool:
    """Say what differs; whether nothing does. UsageError where nothing was collected: that would prove nothing."""
    heads = heads_in(collected)
    if not heads:
        raise UsageError('there is no collected hash in it: a line says "head: record N has the SHA-256 …"')
    faults, rotated = unlike(directory, heads)
    for fault in faults:
        click.echo(printable(str(fault)))
    compared = len(heads) - rotated
    one = compared == 1
    words = f"{compared} collected hash{'' if one else 'es'}"
    click.echo(f"DIFFERS from {len(faults)} of {words}" if faults else f"agrees with {words}")
    if rotated:
        click.echo(f"{rotated} more could not be compared: rotation has removed the records")
    return not faults

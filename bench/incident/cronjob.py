"""Where the mails come from: a cron job that polls devices every minute, until some have no graph any more; cron mails
what each of these says, to one box, through the guest's own sendmail."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from tests.vm.guest import Guest

FLOOD_MAILS = 45
FLOOD_SECONDS = 90.0
PROBE_MAILS = 23
PROBE_MAIL_SECONDS = 15.0

_MINUTE_SECONDS = 60
_PLACE = "/var/lib/mrtg"
LOG = f"{_PLACE}/log"
_JOB = "/usr/local/bin/mrtg"
_CRONTAB = "/etc/cron.d/mrtg"


def script(place: str = _PLACE) -> str:
    """Polls the device of its argument. A failure has a time, a device and a number. One run tells one: cron sends a
    mail for each run. What a run that came too late has missed, the device's next tells."""
    return f"""\
#!/bin/sh
minute_over=$(( ($(date +%s) / {_MINUTE_SECONDS} + 1) * {_MINUTE_SECONDS} ))
while read -r at device number; do
    [ "$device" = "$1" ] && [ "$at" -lt "$minute_over" ] && mkdir "{place}/told/$number" 2>/dev/null || continue
    left=$(( at - $(date +%s) ))
    [ "$left" -le 0 ] || sleep "$left"
    echo "$number $(date +%s)" >> {place}/log
    echo "ERROR: number $number. no such graph"
    exit
done < {place}/failures
"""


def schedule() -> Iterator[tuple[int, float]]:
    """The number of each mail, and when its job fails, in seconds from the beginning."""
    for number in range(FLOOD_MAILS):
        yield number, number * FLOOD_SECONDS / FLOOD_MAILS
    for number in range(PROBE_MAILS):
        yield FLOOD_MAILS + number, FLOOD_SECONDS + number * PROBE_MAIL_SECONDS


def failures() -> Iterator[tuple[float, int, int]]:
    """When, of which device and with which number: in one minute each device fails once at most."""
    for _, same_minute in groupby(schedule(), key=lambda mail: int(mail[1] // _MINUTE_SECONDS)):
        for device, (number, at) in enumerate(same_minute):
            yield at, device, number


def first_minute_after(clock: float) -> int:
    """Cron starts its jobs at full minutes."""
    return (int(clock) // _MINUTE_SECONDS + 1) * _MINUTE_SECONDS


def install(guest: Guest, box: str, begins: int) -> None:
    """From now on the job runs every minute, and says nothing until the guest's clock shows ``begins``."""
    planned = tuple(failures())
    devices = 1 + max(device for _, device, _ in planned)
    guest.check(f"mkdir -p {_PLACE}/told")
    guest.write(f"{_PLACE}/failures", "".join(f"{begins + at:.0f} {device} {number}\n"
                                              for at, device, number in planned))
    guest.write(_JOB, script())
    guest.check(f"chmod 755 {_JOB}")
    guest.write(_CRONTAB, f"MAILTO={box}\n" + "".join(f"* * * * * root {_JOB} {device}\n"
                                                      for device in range(devices)))


def told(log: str) -> dict[int, float]:
    """The failures that were told to cron, by their numbers, and when, by the guest's clock; from the job's log."""
    return {int(number): float(at) for number, _, at in (line.partition(" ") for line in log.splitlines())}

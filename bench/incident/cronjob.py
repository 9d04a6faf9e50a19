"""Where the mails come from: a cron job that polls its devices every minute, until some have no graph any more. It
mails what it has to say to one box, through the guest's own sendmail."""

from __future__ import annotations

from collections.abc import Iterator

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


def script(box: str, place: str = _PLACE) -> str:
    """A failure has a time and a number, and makes one mail. What a run that came too late has missed, the next tells.
    Nobody waits for a mail to be taken."""
    return f"""\
#!/bin/sh
minute_over=$(( ($(date +%s) / {_MINUTE_SECONDS} + 1) * {_MINUTE_SECONDS} ))
while read -r at number; do
    [ "$at" -lt "$minute_over" ] && mkdir "{place}/told/$number" 2>/dev/null || continue
    left=$(( at - $(date +%s) ))
    [ "$left" -le 0 ] || sleep "$left"
    echo "$number $(date +%s)" >> {place}/log
    printf 'To: {box}\\nSubject: mrtg\\n\\nERROR: number %s. no such graph\\n' "$number" | sendmail -i {box} &
done < {place}/failures
wait
"""


def schedule() -> Iterator[tuple[int, float]]:
    """The number of each mail, and when its job fails, in seconds from the beginning."""
    for number in range(FLOOD_MAILS):
        yield number, number * FLOOD_SECONDS / FLOOD_MAILS
    for number in range(PROBE_MAILS):
        yield FLOOD_MAILS + number, FLOOD_SECONDS + number * PROBE_MAIL_SECONDS


def first_minute_after(clock: float) -> int:
    """Cron starts its jobs at full minutes."""
    return (int(clock) // _MINUTE_SECONDS + 1) * _MINUTE_SECONDS


def install(guest: Guest, box: str, begins: int) -> None:
    """From now on the job runs every minute, and says nothing until the guest's clock shows ``begins``."""
    guest.check(f"mkdir -p {_PLACE}/told")
    guest.write(f"{_PLACE}/failures", "".join(f"{begins + at:.0f} {number}\n" for number, at in schedule()))
    guest.write(_JOB, script(box))
    guest.check(f"chmod 755 {_JOB}")
    guest.write(_CRONTAB, f"PATH=/usr/sbin:/usr/bin:/sbin:/bin\n* * * * * root {_JOB}\n")


def told(log: str) -> dict[int, float]:
    """The failures that were mailed, by their numbers, and when, by the guest's clock; from the job's log."""
    return {int(number): float(at) for number, _, at in (line.partition(" ") for line in log.splitlines())}

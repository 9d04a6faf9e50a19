"""One night: a fresh guest, one contestant on guard, the flood of mails, and what was left in the morning."""

from __future__ import annotations

import contextlib
import email
import email.utils
import io
import json
import re
import tarfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.incident import cronjob, outside
from bench.incident.mailserver import BOX, SPOOL, UNITS
from bench.incident.signs import AUDIT, Sample, acts_of, pressure_since
from tests.vm.guest import Guest, GuestError, free_port
from tests.vm.image import Image

NIGHT_SECONDS = 900.0  # three times what postfix waits before it tries a mail again
MUST_ARRIVE_UNTIL_SECONDS = 60.0
WEDGED_AFTER_SECONDS = 45.0
TRACE_EVERY_SECONDS = 10.0
CALM_SECONDS = 420.0  # from the prepared server to the first mail; what is on guard is installed meanwhile
OLD_SECONDS = 3600  # from then on the policy takes what lies in the spool for leftovers
OLD_AFTER_FIRST_MAIL_SECONDS = 10
_KEPT = "/root/kept.tar.gz"
_DAEMON = ("systemctl show watchdog-oomd -p MainPID,MemoryCurrent,TasksCurrent,NRestarts; "
           "for pid in $(pgrep '^watchdog-'); do "
           "echo; cat /proc/$pid/cmdline | tr '\\0' ' '; echo; cat /proc/$pid/status /proc/$pid/smaps_rollup; done")
_COUNTS = ("echo $(pgrep -c clamscan) scanners, $(grep -c '^ERROR: number' /var/mail/box 2>/dev/null) in the box, "
           "$(find /var/spool/postfix/active -type f | wc -l) active, "
           "$(find /var/spool/postfix/deferred -type f | wc -l) deferred, $(ls /var/spool/vscan/tmp | wc -l) entries")
KILL = re.compile(r"[Oo]ut of memory: Killed process \d+ \((.*)\) total-vm:")


@dataclass(frozen=True, slots=True)
class Contestant:
    """A watchdog: what arms it in the prepared guest, which directories of it are worth keeping afterwards, and what
    it says in the morning: files, and the commands whose output they hold."""

    name: str
    arm: Callable[[Guest], None]
    keep: tuple[str, ...] = ()
    tells: tuple[tuple[str, str], ...] = ()
    memory_mib: int = 512


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one night came to; times in seconds from the first mail, ``None`` where a thing never happened."""

    name: str
    kernel_kills: tuple[str, ...]
    mariadb_survived: bool
    outage_seconds: dict[str, float]
    sent: int
    delivered: int
    due: int
    due_delivered: int
    scanned: int
    wedged_at: float | None
    delivered_again_at: float | None
    lasted_seconds: float
    least_swap_free_mib: int | None = None
    full_pressure_percent: float | None = None
    stops: int = 0
    continues: int = 0


def spend(contestant: Contestant, image: Image, place: Path) -> Outcome:
    """Boot, arm, let the night pass, and look; what was seen is kept in ``place``."""
    place.mkdir(parents=True, exist_ok=True)
    forward = {free_port(): inside for inside in (25, 80, 3306)}
    with Guest(image, forward=forward, memory_mib=contestant.memory_mib) as guest:
        guest.wait_until_up()
        begins = _prepare(guest)
        contestant.arm(guest)
        outcome = _watch(contestant, guest, place, begins)
        _keep(contestant, guest, place)
    (place / "outcome.json").write_text(json.dumps(asdict(outcome), indent=1))
    return outcome


def _prepare(guest: Guest) -> int:
    """Start what a mail server runs, and the cron job; when that will fail for the first time, by the guest's clock."""
    for unit in UNITS:
        guest.check(f"systemctl start {unit}", 300)
    guest.until("bash -c 'exec 3<>/dev/tcp/127.0.0.1/10024 && head -c 3 <&3'", 180)
    begins = cronjob.first_minute_after(_clock(guest) + CALM_SECONDS)
    _leave(guest, begins - OLD_SECONDS + OLD_AFTER_FIRST_MAIL_SECONDS)
    cronjob.install(guest, BOX, begins)
    return begins


def _leave(guest: Guest, when: int) -> None:
    """Give all in the spool this time. A file's ctime cannot be set, so the clock is, for as long as it takes."""
    guest.check(f"began=$(cut -d . -f 1 /proc/uptime); now=$(date +%s); date -s @{when}; "
                f"find {SPOOL}/tmp -mindepth 1 -exec touch -c {{}} +; "
                "date -s @$((now + $(cut -d . -f 1 /proc/uptime) - began))", 300)


def _clock(guest: Guest) -> float:
    return float(guest.check("date +%s.%N"))


def _watch(contestant: Contestant, guest: Guest, place: Path, begins: int) -> Outcome:
    at = {inside: port for port, inside in guest.forward.items()}
    ports = outside.ports(at[25], at[80], at[3306])
    for port in ports:
        if not port.answers():
            raise GuestError(f"port {port.name} does not answer before the night begins\n{guest.console_tail()}")
    before = _pid(guest)
    samples: list[Sample] = []
    calm_left = begins - _clock(guest)
    if calm_left < 0:
        raise GuestError(f"{contestant.name} was not on guard before the first mail, but {-calm_left:.0f} s later")
    time.sleep(calm_left)
    began = time.monotonic()
    for port in ports:
        port.begin()
    with (place / "trace.txt").open("w") as trace:
        while (passed := time.monotonic() - began) < NIGHT_SECONDS:
            trace.write(f"{passed:6.0f} s  {_state(guest)}\n")
            trace.flush()
            with contextlib.suppress(GuestError, ValueError):
                samples.append(Sample.of(passed, guest.get("/proc/meminfo"), guest.get("/proc/pressure/memory")))
            time.sleep(TRACE_EVERY_SECONDS)
    lasted = time.monotonic() - began
    arrived, scanned = mails_in(_text_of(guest, "/var/mail/box"), begins)
    survived = _is_mariadb(guest, before)
    for port in ports:
        port.end()
    sent = {number: when - begins for number, when in cronjob.told(_text_of(guest, cronjob.LOG)).items()}
    due = {number for number, when in sent.items() if when <= lasted - MUST_ARRIVE_UNTIL_SECONDS}
    wedged_at, again_at = wedge(sorted(arrived.values()), lasted)
    kills = tuple(KILL.findall(guest.console.read_text(errors="replace")))
    acts = acts_of(_text_of(guest, AUDIT), begins)
    return Outcome(contestant.name, kills, survived, {port.name: port.outage_seconds() for port in ports}, len(sent),
                   len(arrived), len(due), len(due & arrived.keys()), len(scanned), wedged_at, again_at, lasted,
                   min((sample.swap_free_mib for sample in samples), default=None),
                   pressure_since(samples, acts.cured_at_seconds), acts.stops, acts.continues)


def wedge(arrivals: list[float], lasted: float) -> tuple[float | None, float | None]:
    """When mails first ceased to arrive for long, and when the next did; mails are due from beginning to end."""
    since = 0.0
    for arrival in arrivals:
        if arrival - since > WEDGED_AFTER_SECONDS:
            return since, arrival
        since = max(since, arrival)
    return (since, None) if lasted - since > WEDGED_AFTER_SECONDS else (None, None)


def mails_in(box: str, guest_clock: float) -> tuple[dict[int, float], set[int]]:
    """When each mail came into the box, by its number, and which of them the filter says it has scanned."""
    arrived: dict[int, float] = {}
    scanned: set[int] = set()
    for text in re.split(r"^From \S+ .*\n", box, flags=re.MULTILINE)[1:]:
        message = email.message_from_string(text)
        number = re.search(r"number (\d+)\.", str(message.get_payload()))
        received = message.get_all("Received") or []
        if number is None or not received or int(number[1]) in arrived:
            continue
        stamp = email.utils.parsedate_to_datetime(received[0].rpartition(";")[2].strip())
        arrived[int(number[1])] = max(0.0, stamp.timestamp() - guest_clock)
        if message["X-Virus-Scanned"] is not None:
            scanned.add(int(number[1]))
    return arrived, scanned


def _text_of(guest: Guest, path: str) -> str:
    try:
        return guest.get(path).decode(errors="replace")
    except GuestError:
        return ""


def _pid(guest: Guest) -> int:
    return int(guest.check("systemctl show -p MainPID --value mariadb"))


def _is_mariadb(guest: Guest, pid: int) -> bool:
    try:
        return guest.get(f"/proc/{pid}/comm").strip() == b"mariadbd"
    except GuestError:
        return False


def _state(guest: Guest) -> str:
    """Memory as the agent reads it without starting anything: a guest that is out of memory still answers that."""
    try:
        text = guest.get("/proc/meminfo").decode()
    except GuestError as error:
        return f"no answer: {str(error).splitlines()[0]}"
    mib = {key: int(value.split()[0]) >> 10 for key, _, value in (line.partition(":") for line in text.splitlines())}
    said = f"available {mib['MemAvailable']} MiB, free swap {mib['SwapFree']} MiB"
    with contextlib.suppress(GuestError):
        said += f", {guest.run(_COUNTS, 20).output.strip()}"
    return said


def _keep(contestant: Contestant, guest: Guest, place: Path) -> None:
    (place / "console.log").write_bytes(guest.console.read_bytes())
    for name, command in (("journal.txt", "journalctl --no-pager -o short-precise -b"),
                          ("kernel.txt", "journalctl --no-pager -o short-precise -b -k"),
                          ("daemon.txt", _DAEMON),
                          ("processes.txt", "ps axo pid,ppid,user,rss,etime,args; postqueue -p | tail -n 60"),
                          *contestant.tells):
        with contextlib.suppress(GuestError):
            (place / name).write_text(guest.run(command, 120).output)
    if contestant.keep:
        with contextlib.suppress(GuestError, tarfile.TarError):
            _keep_directories(guest, contestant.keep, place)


def _keep_directories(guest: Guest, paths: tuple[str, ...], place: Path) -> None:
    """All that is in them, below ``place``/host. A file that is written to meanwhile makes
    tar end with 1, and is there nevertheless."""
    names = " ".join(path.lstrip("/") for path in paths)
    guest.check(f"tar -C / -czf {_KEPT} --warning=none {names}; test $? -le 1", 120)
    with tarfile.open(fileobj=io.BytesIO(guest.get(_KEPT)), mode="r:gz") as archive:
        archive.extractall(place / "host", filter="data")

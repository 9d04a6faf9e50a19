"""The configuration of ``notify``: /etc/watchdog-oom/notify.toml as a value, and every fault of it with its line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from watchdog_oom.cli.notify.keys import NOTIFY, TARGET, WAYS
from watchdog_oom.errors import PolicyError, UsageError
from watchdog_oom.formatting import printable
from watchdog_oom.paths import CONFIG
from watchdog_oom.policy.belonging import where_table_belongs
from watchdog_oom.policy.check import NAME_CHARACTERS, FileCheck
from watchdog_oom.policy.files import Gathered
from watchdog_oom.policy.load import read_document
from watchdog_oom.policy.names import nearest
from watchdog_oom.policy.programs import program_faults
from watchdog_oom.policy.texts import described

SETTINGS_FILE = f"{os.path.dirname(CONFIG)}/notify.toml"
_TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
# What a mail transfer agent reads from a header must not end it, nor begin another address.
_MAILBOX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!#$%&'*+/=?^_{|}~-]*(?:@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)?")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_SENDMAIL = ("/usr/sbin/sendmail", "-t", "-i")
_APPRISE = "/usr/bin/apprise"


class Want(StrEnum):
    """What a target is told of: ``incidents`` are also the processes that rules ended outside of one."""

    INCIDENTS = "incidents"
    ESCALATIONS = "escalations"
    ALARMS = "alarms"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class NotifyTarget:
    """Who is told, and the one way to do it: ``mail`` has addresses, ``run`` an argv, ``apprise`` the path of its
    configuration. ``quiet`` says whether quiet hours hold here."""

    name: str
    mail: tuple[str, ...] = ()
    sender: str = ""
    sendmail: tuple[str, ...] = _SENDMAIL
    run: tuple[str, ...] = ()
    apprise: str = ""
    apprise_program: str = _APPRISE
    tag: str = ""
    wants: frozenset[Want] = frozenset(Want)
    quiet: bool = True

    @property
    def program(self) -> str:
        """The program that does it."""
        return self.run[0] if self.run else self.apprise_program if self.apprise else self.sendmail[0]


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """The whole file; ``host`` is the name that messages give this host, empty for its own. ``rate`` is in messages an
    hour and target. ``doubts`` are programs that could not be run when it was read."""

    targets: tuple[NotifyTarget, ...]
    host: str = ""
    quiet_hours: tuple[int, int] | None = None
    rate: int = 20
    settle_seconds: float = 15.0
    escalate_seconds: float = 1800.0
    digest_minute: int | None = None
    timeout_seconds: float = 60.0
    retry_seconds: float = 60.0
    doubts: tuple[str, ...] = ()


def read_settings(path: str) -> NotifySettings:
    """Raises PolicyError with every fault, UsageError where there is no such file."""
    if not os.path.lexists(path):
        raise UsageError(f"{printable(path)}: there is no configuration, so nobody can be told; docs/notify.md has one "
                         "to begin with")
    gathered = Gathered()
    read = read_document(path, gathered)
    settings = None
    if read is not None:
        check, document = read
        settings = _checked(check, document)
        gathered.faults.extend(check.faults)
    if gathered.faults or settings is None:
        raise PolicyError(tuple(set(gathered.faults)))
    return settings


def _checked(check: FileCheck, document: Mapping[str, Any]) -> NotifySettings:
    for name in document:
        if name not in ("notify", "target"):
            known = ("notify", "target")
            check.fault((), f'unknown table "{printable(name)}"{where_table_belongs(name, known)}', (name,))
    values = _table(check, ("notify",), document.get("notify", {}), NOTIFY)
    digest = _minute(check, values.get("digest"))
    host = str(values.get("host", ""))
    if host and not _HOST.fullmatch(host):
        check.fault(("notify", "host"), f'"{printable(host)}" is not the name of a host')
    targets = _targets(check, document.get("target"))
    return NotifySettings(
        targets, host, values.get("quiet_hours"), values.get("rate", 20), values.get("settle", 15.0),
        values.get("escalate_after", 1800.0), digest, values.get("timeout", 60.0), values.get("retry", 60.0),
        tuple(f"target {target.name}: {fault}" for target in targets for fault in program_faults(target.program)))


def _table(check: FileCheck, path: tuple[str, ...], table: object, keys: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(table, dict):
        return check.keys(path, table, keys)
    check.fault(path, f"must be a table [{'.'.join(path)}], not {described(table)}")
    return {}


def _minute(check: FileCheck, text: str | None) -> int | None:
    if text is None:
        return None
    found = _TIME_OF_DAY.fullmatch(text)
    if found is None:
        check.fault(("notify", "digest"), f'"{printable(text)}" is not a time of day: write it like "07:30"')
        return None
    return int(found[1]) * 60 + int(found[2])


def _targets(check: FileCheck, tables: object) -> tuple[NotifyTarget, ...]:
    if not isinstance(tables, dict) or not tables:
        check.fault(("target",), "there is nobody to tell: write [target.NAME] with one of mail, run and apprise")
        return ()
    targets = []
    for name, table in tables.items():
        if not name or not NAME_CHARACTERS.issuperset(name):
            check.fault(("target", name), "a name consists of the characters A-Z, a-z, 0-9, _ and -")
        values = _table(check, ("target", name), table, TARGET)
        if isinstance(table, dict):
            _check_way(check, name, table)
        targets.append(_target(check, name, values))
    return tuple(targets)


def _check_way(check: FileCheck, name: str, table: Mapping[str, Any]) -> None:
    """One way of telling, and only the keys that belong to it."""
    ways = [way for way in WAYS if way in table]
    if len(ways) != 1:
        check.fault(("target", name), f"needs exactly one of {', '.join(WAYS)}")
        return
    for way, others in WAYS.items():
        for key in others:
            if way != ways[0] and key in table:
                check.fault(("target", name, key), f"belongs to {way}, and this target has {ways[0]}")


def _target(check: FileCheck, name: str, values: Mapping[str, Any]) -> NotifyTarget:
    path = ("target", name)
    for key in ("mail", "from"):
        given = values.get(key, ())
        for address in (given,) if isinstance(given, str) else given:
            if not _MAILBOX.fullmatch(address):
                check.fault((*path, key), f'"{printable(address)}" is not an address like "ops@example.com"')
    wants = values.get("wants", tuple(Want))
    for want in wants:
        if want not in tuple(Want):
            check.fault((*path, "wants"), f'unknown word "{printable(want)}"{nearest(want, tuple(Want))}: there are '
                                          f'{", ".join(Want)}')
    return NotifyTarget(
        name, values.get("mail", ()), values.get("from", ""), values.get("sendmail", _SENDMAIL), values.get("run", ()),
        values.get("apprise", ""), values.get("apprise_program", _APPRISE), values.get("tag", ""),
        frozenset(Want(want) for want in wants if want in tuple(Want)), values.get("quiet", True))

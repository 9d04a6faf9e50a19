"""A message as a mail, byte for byte (RFC 5322). Pure.

Written by hand: headers are ASCII that ``messages.header_text`` let through, so that nothing needs folding or encoding,
and the library's own package for mail is 2 MiB.
"""

from __future__ import annotations

import binascii
import time
from collections.abc import Sequence

from watchdog_oom.cli.notify.messages import NotifyMessage, header_text

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def mail_of(message: NotifyMessage, to: Sequence[str], sender: str, host: str, now: float) -> bytes:
    """With the end of lines that sendmail expects, the host's own. The text is quoted-printable: no line of it is long,
    is a lone dot or has a control character."""
    domain = header_text(host).replace(" ", "-")
    headers = [f"From: {sender}"] if sender else []
    headers += [f"To: {', '.join(to)}", f"Subject: {header_text(message.subject)}", f"Date: {_date(now)}",
                f"Message-ID: {_id(message.id, domain)}"]
    if message.replies_to:
        first = _id(message.replies_to, domain)
        headers += [f"In-Reply-To: {first}", f"References: {first}"]
    headers += ["Auto-Submitted: auto-generated", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable"]
    body = binascii.b2a_qp(message.text.encode("utf-8", "backslashreplace"), istext=True)
    return "\n".join((*headers, "", "")).encode("ascii") + _without_lone_dots(body)


def _without_lone_dots(body: bytes) -> bytes:
    """A line that is a dot alone would end the mail for some programs."""
    return b"\n".join(b"=2E" if line == b"." else line for line in body.split(b"\n"))


def _id(token: str, domain: str) -> str:
    return f"<watchdog-oom.{token}@{domain}>"


def _date(now: float) -> str:
    """In English whatever the locale, and in universal time."""
    at = time.gmtime(now)
    return (f"{_DAYS[at.tm_wday]}, {at.tm_mday:02d} {_MONTHS[at.tm_mon - 1]} {at.tm_year} "
            f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d} +0000")

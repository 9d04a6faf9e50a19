"""The nearest existing name on this host for a missing one: by known alternatives, else by spelling."""

from __future__ import annotations

from collections.abc import Iterable

SAME = (
    ("mysqld", "mariadbd", "mysql", "mariadb"), ("httpd", "apache2", "apache"), ("crond", "cron"), ("sshd", "ssh"),
    ("clamd", "clamav-daemon", "clamd@scan"), ("amavisd", "amavis", "amavisd-new"), ("named", "bind9"),
    ("rsyslogd", "syslogd", "rsyslog"), ("exim", "exim4"), ("redis", "redis-server"), ("postgres", "postgresql"),
    ("smtpd", "postfix", "master"), ("spamd", "spamassassin", "spamassassin-maintenance"),
)
_GLOB_CHARACTERS = str.maketrans("", "", "*?[]")


def near(wanted: str, there: Iterable[str]) -> str:
    """The text `` — is it "…"?``, or nothing if no name here is similar."""
    plain = wanted.translate(_GLOB_CHARACTERS).removesuffix(".service")
    known = {name.removesuffix(".service"): name for name in there if name}
    other_names = [name for names in SAME if plain in names for name in names if name in known and name != plain]
    close = other_names[:1] or _alike(plain, known)
    return f' — is it "{known[close[0]]}"?' if close else ""


def _alike(name: str, others: Iterable[str]) -> list[str]:
    import difflib  # only what is missing needs it
    return difflib.get_close_matches(name, others, 1, 0.7)

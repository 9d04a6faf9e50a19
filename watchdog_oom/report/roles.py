"""What some programs are for, by the name the kernel gives their processes; what is not here is just a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

MAIL = frozenset((
    "sendmail", "postdrop", "pickup", "cleanup", "smtpd", "smtp", "lmtp", "qmgr", "local", "virtual", "bounce",
    "master", "postfix", "exim", "exim4", "mail", "mailx", "bsd-mailx", "s-nail", "msmtp", "procmail", "maildrop",
    "fetchmail", "dovecot-lda", "opensmtpd", "nullmailer-send"))
SENDS_MAIL = frozenset(("sendmail", "postdrop", "mail", "mailx", "bsd-mailx", "s-nail", "msmtp", "exim", "exim4"))
MAIL_FILTERS = ("amavi", "clamscan", "clamdscan", "clamd", "spamd", "spamc", "rspamd", "mimedefang", "mailscanner",
                "opendkim", "bogofilter")
SCHEDULERS = frozenset(("cron", "crond", "CRON", "CROND", "anacron", "atd", "fcron"))
_SHELLS = frozenset(("sh", "bash", "dash", "run-parts", "nice", "ionice", "flock", "timeout", "env", "sudo", "su",
                     "perl", "python3"))
SETTINGS: Mapping[str, str] = MappingProxyType({
    "apache2": "MaxRequestWorkers of Apache: at most memory for it, divided by what one worker holds",
    "httpd": "MaxRequestWorkers of Apache: at most memory for it, divided by what one worker holds",
    "php-fpm": "pm.max_children of PHP-FPM: at most memory for it, divided by what one child holds",
    "mysqld": "innodb_buffer_pool_size and max_connections of MySQL",
    "mariadbd": "innodb_buffer_pool_size and max_connections of MariaDB",
    "postgres": "shared_buffers, work_mem and max_connections of PostgreSQL",
    "clamd": "ConcurrentDatabaseReload no, and MaxThreads, in clamd.conf",
    "clamscan": "$max_servers of amavisd: how many scanners may run at once; clamd instead of clamscan has the "
                "signatures in memory once",
    "java": "-Xmx of that Java program",
    "redis-server": "maxmemory of Redis",
    "memcached": "-m of memcached",
    "rspamd": "count of rspamd's workers", "spamd": "--max-children of spamd",
    "node": "--max-old-space-size of that Node.js program",
    "mongod": "storage.wiredTiger.engineConfig.cacheSizeGB of MongoDB",
    "named": "max-cache-size of BIND",
})


def is_mail(name: str) -> bool:
    return name in MAIL


def is_filter(name: str) -> bool:
    """A mail filter; the name may be the path of a script, cut to 15 characters, as Perl sets it."""
    return name.rpartition("/")[2].lower().startswith(MAIL_FILTERS)


def is_filters_line(line: Iterable[str]) -> bool:
    return any(is_filter(name) for name in line)


def scheduled_job(line: tuple[str, ...]) -> tuple[str, ...]:
    """What a scheduler started, from the first program that is none of those that only start others; empty if no
    scheduler did."""
    at = max((place for place, name in enumerate(line) if name in SCHEDULERS), default=None)
    if at is None:
        return ()
    job = list(line[at + 1:])
    while len(job) > 1 and job[0] in _SHELLS:
        job.pop(0)
    return tuple(job)


def only_starts_others(name: str) -> bool:
    return name in _SHELLS


def setting_of(name: str) -> str:
    """The setting that bounds what such a program takes, if one is known."""
    return SETTINGS.get(name.rstrip("0123456789.:-") if name.startswith("php-fpm") else name, "")

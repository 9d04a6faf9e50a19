"""Data: the setting of each well-known service that bounds its memory, by the names of its processes.

From the services' own reference manuals. ``*`` at the end stands for any rest: a process name has 15 bytes at most.
"""

from __future__ import annotations

from watchdog_oom.lean_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a service is told how much it may take. ``per_process``: memory is bounded by how many processes there may
    be, so what one of them holds says how many fit."""

    comms: tuple[str, ...]
    service: str
    where: str
    advice: str
    per_process: bool = False

    def is_for(self, comm: str) -> bool:
        return any(comm == name or (name.endswith("*") and comm.startswith(name[:-1])) for name in self.comms)


SETTINGS: tuple[Setting, ...] = (
    Setting(("apache2", "httpd", "httpd.worker", "httpd2-prefork", "/usr/sbin/apach", "/usr/sbin/httpd"), "Apache",
            "MaxRequestWorkers", "the number of workers (MaxClients until Apache 2.2); with mod_php, "
            "MaxConnectionsPerChild as well, against leaks", per_process=True),
    Setting(("php-fpm*",), "PHP-FPM", "pm.max_children", "the number of workers of each pool; pm.max_requests against "
            "leaks, memory_limit for one request", per_process=True),
    Setting(("php-cgi*", "php5-cgi", "php"), "PHP", "PHP_FCGI_CHILDREN",
            "the number of workers that the web server starts (max-procs × PHP_FCGI_CHILDREN in lighttpd, "
            "FcgidMaxProcesses in mod_fcgid); memory_limit for one request", per_process=True),
    Setting(("mysqld", "mariadbd", "mysqld_safe"), "MySQL, MariaDB", "innodb_buffer_pool_size",
            "its cache; max_connections times the buffers of a connection come on top"),
    Setting(("postgres", "postmaster"), "PostgreSQL", "shared_buffers, work_mem, max_connections",
            "a query may take work_mem several times, in each of max_connections", per_process=True),
    Setting(("oracle*", "ora_*"), "Oracle", "SGA_TARGET, PGA_AGGREGATE_LIMIT",
            "the shared and the private memory; huge pages for the SGA save page tables"),
    Setting(("mongod", "mongos"), "MongoDB", "storage.wiredTiger.engineConfig.cacheSizeGB", "its cache"),
    Setting(("redis-server", "valkey-server", "redis-rdb-bgsav*"), "Redis, Valkey", "maxmemory",
            "with maxmemory-policy; a background save can need as much again"),
    Setting(("memcached",), "memcached", "-m", "its cache in MiB"),
    Setting(("java", "jsvc", "elasticsearch", "cassandra"), "Java", "-Xmx",
            "the heap (or -XX:MaxRAMPercentage in a container); threads, metaspace and buffers outside of the heap "
            "come on top, often a third"),
    Setting(("clamd",), "ClamAV", "ConcurrentDatabaseReload no",
            "else it holds its database twice at each reload, more than 1 GiB each"),
    Setting(("freshclam",), "ClamAV", "TestDatabases no", "else it loads the new database to test it"),
    Setting(("clamscan",), "ClamAV", "clamdscan in its place",
            "each clamscan loads the whole database, more than 1 GiB; clamd holds it once", per_process=True),
    Setting(("amavisd*", "amavis*"), "amavis", "$max_servers", "the number of mails that are scanned at once, and "
            "maxproc of its service in master.cf", per_process=True),
    Setting(("spamd", "spamd child", "spamassassin"), "SpamAssassin", "--max-children", "the number of its children",
            per_process=True),
    Setting(("smtpd", "smtp", "cleanup", "master", "qmgr", "local"), "Postfix", "default_process_limit",
            "the number of processes of each service; 100 is too much for a small host", per_process=True),
    Setting(("exim*",), "Exim", "queue_run_max, smtp_accept_max", "the number of deliveries at once", per_process=True),
    Setting(("imap", "imap-login", "pop3", "auth", "lmtp", "indexer-worker"), "Dovecot",
            "default_vsz_limit, client_limit", "the memory of one process, and how many clients there may be",
            per_process=True),
    Setting(("named",), "BIND", "max-cache-size", "its cache; 90 % of RAM by default"),
    Setting(("unbound",), "Unbound", "msg-cache-size, rrset-cache-size", "its caches"),
    Setting(("squid", "squid3"), "Squid", "cache_mem", "its cache in RAM; the index of a disk cache comes on top"),
    Setting(("varnishd", "cache-main"), "Varnish", "-s malloc,SIZE", "its cache"),
    Setting(("beam.smp", "beam"), "RabbitMQ, Erlang", "vm_memory_high_watermark", "from when on publishers wait"),
    Setting(("node", "nodejs", "npm*"), "Node.js", "--max-old-space-size", "the heap of one process, in MiB"),
    Setting(("ruby*", "puma*", "unicorn*", "passenger*", "sidekiq*"), "Ruby", "workers",
            "the number of workers; MALLOC_ARENA_MAX=2 against fragmentation", per_process=True),
    Setting(("gunicorn*", "uwsgi*", "celery*"), "Python workers", "--workers, --concurrency",
            "the number of workers; --max-requests, --max-memory-per-child against leaks", per_process=True),
    Setting(("prometheus",), "Prometheus", "--storage.tsdb.retention.*, sample_limit", "memory grows with the series"),
    Setting(("influxd",), "InfluxDB", "cache-max-memory-size, max-series-per-database", "memory grows with the series"),
    Setting(("slapd",), "OpenLDAP", "cachesize, dbcachesize", "its caches"),
    Setting(("cc1", "cc1plus", "ld", "ld.lld", "ld.gold", "rustc", "make", "ninja", "clang*", "lto1*"), "a build",
            "make -j, ninja -j", "the number of jobs: count 2 GiB for each C++ compiler, more for a link",
            per_process=True),
    Setting(("doxygen", "dot"), "Doxygen", "DOT_NUM_THREADS, LOOKUP_CACHE_SIZE", "memory grows with the graphs"),
    Setting(("qemu-*", "qemu-system*", "kvm", "CPU *"), "virtual machines", "-m, <memory>",
            "the sum over all machines must leave room for the host"),
    Setting(("nfsd",), "the kernel's NFS server", "threads in /etc/nfs.conf", "it is the kernel's own memory"),
    Setting(("dnf", "yum", "packagekitd", "apt*", "unattended-upgr"), "package management", "swap",
            "an update takes 500 MiB and more for a while"),
    Setting(("chrome", "chromium", "Web Content", "firefox*", "Isolated Web Co"), "browsers", "fewer tabs",
            "each site is a process", per_process=True),
)


def setting_for(comm: str) -> Setting | None:
    """The setting of the service to which a process of this name belongs."""
    return next((setting for setting in SETTINGS if setting.is_for(comm)), None)

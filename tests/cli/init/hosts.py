"""Hosts as facts: the mail server of the incident, a web and database server, a host with hardly anything."""

from __future__ import annotations

from watchdog_oom.cli.init.host_facts import Listening, SeenHost, SeenProcess
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.model import SpoolState
from watchdog_oom.lean_dataclasses import replace

MIB = 1 << 20


def process(pid: int, comm: str, exe: str, unit: str = "", *, user: str = "root", rss_mib: float = 8, ppid: int = 1,
            ports: tuple[int, ...] = (), cmdline: str | None = None) -> SeenProcess:
    return SeenProcess(pid, ppid, comm, int(rss_mib * MIB), exe=exe or None, user=user or None, cmdline=cmdline,
                       own_unit=unit or None, listens=tuple(Listening(port, "127.0.0.1") for port in ports))


def memory(total_mib: int = 2048, available_mib: int = 1200, swap_mib: int = 1024) -> Memory:
    return Memory(total_mib * MIB, available_mib * MIB, (total_mib - available_mib) * MIB, swap_mib * MIB,
                  swap_mib * MIB)


SYSTEM = (
    process(1, "systemd", "/usr/lib/systemd/systemd", "init.scope"),
    process(200, "systemd-journal", "/usr/lib/systemd/systemd-journald", "systemd-journald.service"),
    process(201, "cron", "/usr/sbin/cron", "cron.service"),
    process(202, "sshd", "/usr/sbin/sshd", "ssh.service", ports=(22,)),
    process(203, "dbus-daemon", "/usr/bin/dbus-daemon", "dbus.service", user="messagebus"),
)
MAIL = SeenHost("mail1", "Debian GNU/Linux 12 (bookworm)", True, memory(512, 200), (
    *SYSTEM,
    process(300, "master", "/usr/lib/postfix/sbin/master", "postfix@-.service", ports=(25,)),
    process(301, "qmgr", "/usr/lib/postfix/sbin/qmgr", "postfix@-.service", user="postfix", ppid=300),
    process(310, "/usr/sbin/amavi", "/usr/bin/perl", "amavis.service", user="amavis", rss_mib=90, ports=(10024,),
            cmdline="/usr/sbin/amavisd-new (master)"),
    process(311, "/usr/sbin/amavi", "/usr/bin/perl", "amavis.service", user="amavis", rss_mib=95, ppid=310,
            cmdline="/usr/sbin/amavisd-new (ch2-avail)"),
    process(320, "mariadbd", "/usr/sbin/mariadbd", "mariadb.service", user="mysql", rss_mib=120, ports=(3306,)),
    process(330, "apache2", "/usr/sbin/apache2", "apache2.service", ports=(80,)),
    process(331, "apache2", "/usr/sbin/apache2", "apache2.service", user="www-data", rss_mib=30, ppid=330),
), installed=frozenset({"/usr/bin/clamscan"}), spools={
    "/var/lib/amavis/tmp": SpoolState(1.0),
    "/var/spool/vscan/tmp": SpoolState(1.0, entries=16_000, stale=15_990, size_bytes=300 * MIB),
    "/var/spool/postfix/deferred": SpoolState(1.0, entries=16, stale=1, size_bytes=MIB)})
WEB = SeenHost("web1", "openSUSE Leap 15.6", True, memory(8192, 5000, 0), (
    *SYSTEM,
    process(400, "nginx", "/usr/sbin/nginx", "nginx.service", ports=(80, 443)),
    process(410, "php-fpm8.2", "/usr/sbin/php-fpm8.2", "php8.2-fpm.service", rss_mib=30,
            cmdline="php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)"),
    process(411, "php-fpm8.2", "/usr/sbin/php-fpm8.2", "php8.2-fpm.service", user="www-data", rss_mib=150, ppid=410),
    process(420, "postgres", "/usr/lib/postgresql/15/bin/postgres", "postgresql@15-main.service", user="postgres",
            ports=(5432,), rss_mib=200),
    replace(process(430, "redis-server", "/usr/bin/redis-check-rdb", "redis-server.service", user="redis",
                    ports=(6379,)), own_users=True),
    process(431, "unattended-upgr", "/usr/bin/python3.11", "unattended-upgrades.service", rss_mib=20),
    process(432, "watchdog-oomd", "/usr/bin/python3.11", "watchdog-oomd.service", rss_mib=20),
    process(440, "java", "/usr/lib/jvm/java-17-openjdk-amd64/bin/java", "jenkins.service", user="jenkins", rss_mib=900,
            ports=(8080,), cmdline="java -Xmx1g -jar /usr/share/java/jenkins.war"),
    process(441, "mvn", "/usr/lib/jvm/java-17-openjdk-amd64/bin/java", "jenkins.service", user="jenkins", rss_mib=600,
            ppid=440, cmdline="java org.codehaus.plexus.classworlds.launcher.Launcher package"),
    process(450, "java", "/usr/lib/jvm/java-17-openjdk-amd64/bin/java", "shop.service", user="shop", rss_mib=700,
            ports=(9000,), cmdline="java -jar shop.jar"),
    process(451, "java", "/usr/lib/jvm/java-17-openjdk-amd64/bin/java", "search@1.service", user="search",
            cmdline="java -jar search.jar"),
    process(460, "dockerd", "/usr/bin/dockerd", "docker.service", rss_mib=80),
    process(470, "server", "/opt/app/bin/server", "app.service", user="app", rss_mib=400),
), installed=frozenset({"/usr/bin/dpkg"}), spools={
    "/var/lib/php/sessions": SpoolState(1.0, entries=90_000, stale=70_000, size_bytes=MIB)})
BARE = SeenHost("tiny", "", False, None, (process(1, "init", "/sbin/init"),))
SYSV = SeenHost("old", "Devuan GNU/Linux 5", False, memory(), (
    process(1, "init", "/sbin/init"),
    process(50, "crond", "/usr/sbin/crond"),
    process(60, "mysqld", "/usr/libexec/mysqld", user="mysql", rss_mib=300, ports=(3306,)),
    process(70, "spamd child", "/usr/bin/perl", user="debian-spamd", rss_mib=70, cmdline="spamd child"),
), init_scripts=frozenset({"mysqld", "crond"}))
HOSTS = {"mail": MAIL, "web": WEB, "bare": BARE, "sysv": SYSV}

"""The recipe of the mail server: postfix hands each mail to amavisd, which starts a scanner for each."""

from __future__ import annotations

from pathlib import Path

from tests.vm.image import Recipe

BOX = "box@guest.test"
SPOOL = "/var/spool/vscan"
UNITS = ("mariadb", "apache2", "postfix", "amavis")
PEERS = ("earlyoom", "nohang", "systemd-oomd", "monit")

_PACKAGES = ("postfix", "amavisd-new", "clamav", "psmisc", *PEERS)
_MAIN_CF = """\
compatibility_level = 3.6
myhostname = guest.test
mydestination = guest.test, localhost
mynetworks = 127.0.0.0/8 10.0.2.0/24
inet_protocols = ipv4
smtpd_peername_lookup = no
alias_maps =
alias_database =
mailbox_command =
biff = no
content_filter = smtp-amavis:[127.0.0.1]:10024
smtp-amavis_initial_destination_concurrency = 8
"""
_MASTER_CF = """\
smtp      inet  n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
local     unix  - n n - - local
virtual   unix  - n n - - virtual
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
smtp-amavis unix - - n - 8 smtp
  -o smtp_data_done_timeout=1200
  -o disable_dns_lookups=yes
127.0.0.1:10025 inet n - n - - smtpd
  -o content_filter=
  -o mynetworks=127.0.0.0/8
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o receive_override_options=no_unknown_recipient_checks
"""
_AMAVIS = """\
use strict;
$myhostname = 'guest.test';
$mydomain = 'guest.test';
@local_domains_maps = (['.guest.test']);
$max_servers = 8;
$TEMPBASE = '/var/spool/vscan/tmp';
$ENV{TMPDIR} = $TEMPBASE;
$enable_dkim_verification = 0;
@bypass_virus_checks_maps = ();
@bypass_spam_checks_maps = (1);
@bypass_header_checks_maps = (1);
$bad_header_quarantine_method = undef;
$virus_scanners_failure_is_fatal = 1;
@av_scanners = (['clamscan', '/usr/bin/clamscan',
  "--stdout --no-summary --recursive --infected $TEMPBASE", [0], qr/:.*\\sFOUND$/m, qr/^.*?: (.*) FOUND$/m]);
@av_scanners_backup = ();
1;
"""
_MARIADB = "[mysqld]\nbind-address = 0.0.0.0\nskip-name-resolve\nmax_connect_errors = 1000000\n"
_OOMD = "[Slice]\nManagedOOMSwap=kill\nManagedOOMMemoryPressure=kill\nManagedOOMMemoryPressureLimit=60%\n"
_MONIT = """\
set daemon 15
set log syslog
check system guest
  if memory usage > 85% for 2 cycles then exec "/usr/local/sbin/cure"
  if swap usage > 85% for 2 cycles then exec "/usr/local/sbin/cure"
check process mariadb matching mariadbd
  start program = "/usr/bin/systemctl start mariadb"
  stop program = "/usr/bin/systemctl stop mariadb"
check process apache matching apache2
  start program = "/usr/bin/systemctl start apache2"
  stop program = "/usr/bin/systemctl stop apache2"
"""
_CURE = """\
#!/bin/sh
# What cured it by hand.
exec 9>/run/cure.lock
flock -n 9 || exit 0
systemctl stop amavis
killall -9 clamscan
rm -rf /var/spool/vscan/tmp/*
systemctl start amavis
"""


def recipe() -> Recipe:
    """The mail server, with the peers installed and nothing of it started at boot."""
    units = " ".join(f"{unit}.service" for unit in (*UNITS, *PEERS, "nohang-desktop", "clamav-freshclam"))
    return Recipe(
        name="incident",
        packages=_PACKAGES,
        files={
            "etc/postfix/main.cf": _MAIN_CF,
            "etc/postfix/master.cf": _MASTER_CF,
            "etc/mailname": "guest.test\n",
            "etc/amavis/conf.d/50-user": _AMAVIS,
            "etc/mysql/mariadb.conf.d/90-incident.cnf": _MARIADB,
            "etc/systemd/system/system.slice.d/oomd.conf": _OOMD,
            "etc/monit/conf.d/incident": _MONIT,
            "usr/local/sbin/cure": _CURE,
            "usr/local/lib/incident-prepare.py": Path(__file__).with_name("prepare.py").read_text(),
        },
        hooks=(
            f"for unit in {units}; do chroot \"$1\" systemctl disable $unit || true; done",
            "chmod 755 \"$1/usr/local/sbin/cure\"",
            "chroot \"$1\" useradd --create-home --shell /bin/false box",
            "chroot \"$1\" python3 /usr/local/lib/incident-prepare.py",
        ),
    )

"""The keys of notify.toml: forms, meanings and defaults, as ``policy.schema`` has those of policies."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.form import Form
from watchdog_oom.policy.schema import Key, Keys

NOTIFY: Keys = {
    "host": Key(Form.TEXT, "what messages call this host", default="its own name"),
    "quiet_hours": Key(Form.HOURS, "local time of day in which only what is urgent goes out"),
    "rate": Key(Form.COUNT, "how many messages a target gets in an hour", default="20", least=1),
    "settle": Key(Form.DURATION, "how long to wait for what belongs together", default='"15s"', most=600),
    "escalate_after": Key(Form.DURATION, "how long an incident may last before it is told as urgent",
                          default='"30min"', least=1),
    "digest": Key(Form.TEXT, "local time of day of the morning digest"),
    "timeout": Key(Form.DURATION, "how long sending a message may take", default='"60s"', least=0.1, most=600),
    "retry": Key(Form.DURATION, "the wait after a failure; it doubles, up to an hour", default='"1min"', least=0.1,
                 most=3600),
}
TARGET: Keys = {
    "mail": Key(Form.USERS, "addresses to send mail to"),
    "from": Key(Form.TEXT, "the sender's address", default="that of sendmail"),
    "sendmail": Key(Form.ARGV, "the program that takes the mail", default='["/usr/sbin/sendmail", "-t", "-i"]'),
    "run": Key(Form.ARGV, "a program that gets each message as JSON on its standard input"),
    "apprise": Key(Form.PATH, "the configuration file of the program apprise"),
    "apprise_program": Key(Form.PATH, "where that program is", default='"/usr/bin/apprise"'),
    "tag": Key(Form.TEXT, "only the services with this tag in that file"),
    "wants": Key(Form.USERS, "what it is told of", default='["incidents", "escalations", "alarms", "digest"]'),
    "quiet": Key(Form.BOOLEAN, "whether quiet hours hold for it", default="true"),
}
WAYS: Mapping[str, tuple[str, ...]] = {  # what belongs to each
    "mail": ("from", "sendmail"), "run": (), "apprise": ("apprise_program", "tag"),
}

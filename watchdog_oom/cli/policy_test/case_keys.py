"""What a test file of a policy may contain: its tables and keys, each with its form and its meaning."""

from __future__ import annotations

from watchdog_oom.core.form import Form
from watchdog_oom.policy.schema import Key, Keys

CASE: Keys = {
    "name": Key(Form.TEXT, "what the case shows, in a sentence", required=True),
    "policy": Key(Form.USERS, "policy files or directories, relative to this file"),
    "after": Key(Form.DURATION, "how long the host stays as it is", default='"0s"'),
    "expect": Key(Form.USERS, "what is done, in this order; * and ? stand for anything"),
    "refuse": Key(Form.USERS, "what is never done"),
}
HOST: Keys = {
    "memory": Key(Form.BYTES, "all memory", default='"1GiB"', least=1 << 20),
    "memory_available": Key(Form.SIZE, "what can be had without ending anybody", default='"50%"'),
    "swap": Key(Form.BYTES, "all swap", default='"0B"'),
    "swap_free": Key(Form.SIZE, "of it free; a percentage is of all swap", default='"100%"'),
    "pressure_some": Key(Form.PERCENT, "some avg10 of memory pressure"),
    "pressure_full": Key(Form.PERCENT, "full avg10 of memory pressure"),
    "clock": Key(Form.TEXT, "local time of day at the beginning", default='"12:00"'),
    "recording": Key(Form.TEXT, "a moment of the flight recorder, as FILE@TIME"),
}
PROCESS_FACTS: Keys = {
    "noun": Key(Form.TEXT, "a noun of the policy: what it asks for is made up where it is not given here"),
    "name": Key(Form.TEXT, "its name (comm)"),
    "exe": Key(Form.TEXT, "the path of its executable"),
    "user": Key(Form.TEXT, "its owner"),
    "unit": Key(Form.TEXT, "the unit it runs in"),
    "cmdline": Key(Form.TEXT, "its command line"),
    "count": Key(Form.COUNT, "how many of them there are", default="1", least=1, most=2000),
    "rss": Key(Form.BYTES, "resident memory of each", default='"10MiB"'),
    "shared": Key(Form.BYTES, "of that, what all of them share", default='"0B"'),
    "swap": Key(Form.BYTES, "what each has in swap", default='"0B"'),
    "age": Key(Form.DURATION, "how long each has run", default='"1min"'),
    "parent": Key(Form.TEXT, "noun or name of the process that started it: the nearest above it in the list"),
    "under": Key(Form.USERS, "spools in which it works"),
    "oom_score_adj": Key(Form.INTEGER, "its value", default="0", least=-1000, most=1000),
    "terminal": Key(Form.BOOLEAN, "whether it leads a session on a terminal", default="false"),
    "orphaned": Key(Form.BOOLEAN, "whether its parent has ended", default="false"),
    "container": Key(Form.BOOLEAN, "whether it runs in a namespace of its own", default="false"),
    "ignores_term": Key(Form.BOOLEAN, "whether it goes on after SIGTERM", default="false"),
    "survives_stop": Key(Form.BOOLEAN, "whether it goes on when its unit is stopped", default="false"),
}
SPOOL_FACTS: Keys = {
    "entries": Key(Form.COUNT, "entries of the spool", default="0"),
    "stale": Key(Form.COUNT, "stale ones among them", default="0"),
    "size": Key(Form.BYTES, "what they hold", default='"0B"'),
    "oldest": Key(Form.DURATION, "age of the oldest", default='"0s"'),
    "space": Key(Form.BYTES, "size of its filesystem", default='"10GiB"'),
    "space_free": Key(Form.SIZE, "of it free", default='"50%"'),
    "inodes": Key(Form.COUNT, "inodes of its filesystem", default="1000000"),
    "inodes_free": Key(Form.SIZE_OR_COUNT, "of them free", default='"50%"'),
    "in_use": Key(Form.BOOLEAN, "whether the stale ones are in use, so that none is purged", default="false"),
    "problem": Key(Form.TEXT, "why the spool cannot be read"),
}
SERVICE_FACTS: Keys = {
    "state": Key(Form.CHOICE, "what the service manager says", default='"active"',
                 choices=("active", "inactive", "failed", "missing")),
    "memory": Key(Form.BYTES, "what its control group holds, without file cache"),
    "cache": Key(Form.BYTES, "file cache of its control group", default='"0B"'),
    "answers": Key(Form.BOOLEAN, "whether its probe is answered while it is active", default="true"),
    "starts": Key(Form.BOOLEAN, "whether a start succeeds", default="true"),
    "stops": Key(Form.BOOLEAN, "whether a stop succeeds", default="true"),
}

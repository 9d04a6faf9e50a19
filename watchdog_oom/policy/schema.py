"""What a policy file and the configuration file may contain: one table of kinds, keys, forms and defaults.

The defaults here are text for people; the values are those of ``core.policy`` and ``daemon.config``, and a test
compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.conditions.registry import families
from watchdog_oom.core.form import Form
from watchdog_oom.core.nouns import Busy, Namespaces
from watchdog_oom.core.policy import Children, Exceeds, First, Mode, Then, Verb
from watchdog_oom.lean_dataclasses import dataclass

NOUN_OF_FORM: Mapping[Form, str] = {
    Form.PROCESS: "process", Form.PROCESSES: "process", Form.PROCESS_OR_ANY: "process",
    Form.SPOOL: "spool", Form.SPOOLS: "spool",
    Form.SERVICE: "service", Form.SERVICES: "service", Form.SERVICES_OR_STOPPED: "service",
}
RESERVED_NAMES: Mapping[str, str] = {"process": "any", "service": "stopped"}


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its form, its meaning in one line, whether it is required, its default as written in a policy.

    ``least`` and ``most`` bound the number inside: a count, seconds of a duration, bytes or percent of a size.
    """

    form: Form
    doc: str
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None


Keys = Mapping[str, Key]

PROCESS: Keys = {
    "exe": Key(Form.PATH_GLOBS, "the executable's path"),
    "user": Key(Form.USERS, "the owner: a user name or a numeric id, in quotes"),
    "name": Key(Form.NAME_GLOBS, "the process name (comm) as ps shows it, at most 15 bytes"),
    "cmdline": Key(Form.REGEXES, "found anywhere in the command line, arguments joined by spaces"),
    "unit": Key(Form.NAME_GLOBS, "the systemd unit the process runs in, a user's own as user@UID.service/NAME"),
    "parent": Key(Form.PROCESSES, "one of its ancestors is one of these processes; its own name: the whole tree"),
    "under": Key(Form.SPOOLS, "its working directory or an open file is in one of these spools"),
    "namespaces": Key(Form.CHOICE, "the host's own processes, or those of containers and users' namespaces, too",
                      default='"host"', choices=tuple(Namespaces)),
    "except": Key(Form.PROCESSES, "processes of these nouns do not match"),
    "age_above": Key(Form.DURATION, "only while it is older than this", least=0.001),
    "rss_above": Key(Form.SIZE, "only while it holds more resident memory than this", least=0.001),
    "orphaned": Key(Form.BOOLEAN, "true: its parent has ended; false: only those with a living parent"),
}
SPOOL: Keys = {
    "path": Key(Form.PATH, "the directory", required=True),
    "entries": Key(Form.ENTRY_GLOBS, "which direct children belong to the spool", required=True),
    "stale_after": Key(Form.DURATION, "an entry is stale when everything inside it is older", required=True),
    "busy": Key(Form.CHOICE, "what to do with an entry some process has open", default='"skip"',
                choices=tuple(Busy)),
    "limit": Key(Form.COUNT, "how many entries one purge may take", least=1),
}
SERVICE: Keys = {
    "unit": Key(Form.UNIT, "the unit to stop and start", required=True),
    "triggers": Key(Form.UNITS, "sockets and timers that would start it again: stopped first", default="[]"),
    "stable_for": Key(Form.DURATION, "how long it must stay active to count as running", default='"0s"'),
    "probe": Key(Form.PROBE, "how to check that it answers"),
}
PROBE: Keys = {
    "tcp": Key(Form.ADDRESS, "connect to this host and port"),
    "run": Key(Form.ARGV, "run this command; exit status 0 means that it answers"),
    "expect": Key(Form.TEXT, "text that must be in its output"),
    "within": Key(Form.DURATION, "how long to keep asking", default='"60s"', least=0.001),
}
PROTECT: Keys = {
    "process": Key(Form.PROCESS, "who is protected", required=True),
    "oom_score_adj": Key(Form.INTEGER, "the value to set", least=-1000, most=1000),
    "allow_unkillable": Key(Form.BOOLEAN, "needed for oom_score_adj = -1000", default="false"),
    "children": Key(Form.CHOICE, "whether processes forked later go back to 0 or inherit", default='"reset"',
                    choices=tuple(Children)),
}
LIMIT: Keys = {
    "process": Key(Form.PROCESS, "who is limited", required=True),
    "rss": Key(Form.SIZE, "resident memory of one process", least=0.001),
    "swap": Key(Form.SIZE, "swapped-out memory of one process", least=0.001),
    "runtime": Key(Form.DURATION, "age of one process", least=0.001),
    "total_rss": Key(Form.SIZE, "resident memory of all of them together", least=0.001),
    "count": Key(Form.COUNT, "how many of them there may be", least=1),
    "exceeds": Key(Form.CHOICE, "whether any or all of the limits must be exceeded", default='"any"',
                   choices=tuple(Exceeds)),
    "first": Key(Form.CHOICE, "acted on first for total_rss and count", default='"oldest"', choices=tuple(First)),
    "for": Key(Form.DURATION, "how long the limit must be exceeded", default='"0s"'),
    "grace": Key(Form.DURATION, "time between SIGTERM and SIGKILL", default='"10s"'),
    "then": Key(Form.CHOICE, "the consequence", default='"kill"', choices=tuple(Then)),
    "memory_high": Key(Form.SIZE, "with contain: the unit is throttled above this", least=0.001),
    "memory_max": Key(Form.SIZE, "with contain: the unit never gets more than this", least=0.001),
}
LIMITING_KEYS = ("rss", "swap", "runtime", "total_rss", "count")
RECOVER: Keys = {
    "when": Key(Form.CLAUSES, "the clauses, any of which starts the recovery", required=True),
    "steps": Key(Form.STEPS, "what to do, in order", required=True),
    "cooldown": Key(Form.DURATION, "least time between two runs; doubles up to 1h while they do not help",
                    default='"5min"'),
    "attempts": Key(Form.COUNT, "how many runs within `per` before it is held", default="3", least=1),
    "per": Key(Form.DURATION, "the window of `attempts`", default='"6h"', least=1),
    "hours": Key(Form.HOURS, "local time of day in which it may act", default='"00:00-24:00"'),
    "verify": Key(Form.BOOLEAN, "false: no service has to be verified afterwards", default="true"),
    "mode": Key(Form.CHOICE, "act, or only report what would be done", default='"act"', choices=tuple(Mode)),
}
CLEAN: Keys = {
    "spool": Key(Form.SPOOL, "the spool whose stale entries are cleared", required=True),
    "every": Key(Form.DURATION, "how often", default='"1h"', least=1),
    "hours": Key(Form.HOURS, "local time of day in which a run may begin", default='"00:00-24:00"'),
    "mode": Key(Form.CHOICE, "act, or only report what would be done", default='"act"', choices=tuple(Mode)),
}
EMERGENCY: Keys = {
    "memory_available_below": Key(Form.SIZE, "memory threshold", default='"8%"'),
    "swap_free_below": Key(Form.SIZE, "swap threshold", default='"10%"'),
    "pressure_full_above": Key(Form.PERCENT, "or: this share of the time all waited for memory while it was short",
                               default='"70%"'),
    "pressure_for": Key(Form.DURATION, "for this long", default='"20s"'),
    "prefer": Key(Form.PROCESSES, "processes to choose before all others", default="[]"),
    "mode": Key(Form.CHOICE, "act, or only report what would be done", default='"act"', choices=tuple(Mode)),
}

NOUNS: Mapping[str, Keys] = {"process": PROCESS, "spool": SPOOL, "service": SERVICE}
RULES: Mapping[str, Keys] = {"protect": PROTECT, "limit": LIMIT, "recover": RECOVER, "clean": CLEAN}
NAMED: Mapping[str, Keys] = {**NOUNS, **RULES}
TABLES: Mapping[str, Keys] = {**NAMED, "emergency": EMERGENCY}
DESCRIPTION = Key(Form.TEXT, "what the file is for, in one line")

CLAUSE: Keys = {
    **{name: Key(form, f"condition on {family.subject or 'the host'}")
       for family in families() for name, form in family.keys.items()},
    "for": Key(Form.DURATION, "how long all keys of the clause must hold", default='"0s"'),
}
STEP: Keys = {
    Verb.STOP.value: Key(Form.SERVICES, "stop these services"),
    Verb.START.value: Key(Form.SERVICES_OR_STOPPED, 'start these services, or "stopped": what was stopped before'),
    Verb.RESTART.value: Key(Form.SERVICES, "restart these services"),
    Verb.KILL.value: Key(Form.PROCESSES, "kill these processes: SIGTERM, then SIGKILL"),
    Verb.FREEZE.value: Key(Form.PROCESSES, "stop these processes with SIGSTOP"),
    Verb.CONTAIN.value: Key(Form.PROCESSES, "set memory bounds on the units these processes run in"),
    Verb.PURGE.value: Key(Form.SPOOLS, "clear the stale entries of these spools"),
    Verb.RUN.value: Key(Form.ARGV, "run this command, without a shell"),
    Verb.VERIFY.value: Key(Form.SERVICES, "wait until these services are active, stable and answer"),
    Verb.WAIT.value: Key(Form.DURATION, "wait this long"),
    "memory_high": Key(Form.SIZE, "with contain: the units are throttled above this", least=0.001),
    "memory_max": Key(Form.SIZE, "with contain: the units never get more than this", least=0.001),
    "within": Key(Form.DURATION, "the step's deadline", least=0.001),
}

CONFIG: Mapping[str, Keys] = {
    "budget": {
        "kills_per_minute": Key(Form.COUNT, "how many processes may be killed in a minute", default="30", least=1),
        "purge_entries": Key(Form.COUNT, "how many entries one purge may take", default="200000", least=1),
    },
    "journal": {
        "segment_size": Key(Form.BYTES, "how large one file of the audit journal may become", default='"8MiB"',
                            least=64 << 10),
        "keep": Key(Form.COUNT, "how many older files are kept", default="10", least=1),
    },
    "tick": {
        "fastest": Key(Form.DURATION, "time between two ticks when memory is short", default='"100ms"', least=0.01),
        "slowest": Key(Form.DURATION, "time between two ticks when all is well", default='"1s"', most=60),
    },
    "services": {
        "manager": Key(Form.CHOICE, "who starts and stops services", default='"auto"',
                       choices=("auto", "systemd", "service")),
        "init_dir": Key(Form.PATH, "where the init scripts are", default='"/etc/init.d"'),
    },
    "hooks": {
        "incident_opens": Key(Form.ARGV_OR_NONE, "run when a recovery or an emergency begins", default="[]"),
        "before_kill": Key(Form.ARGV_OR_NONE, "run before a limit or the emergency ends processes", default="[]"),
        "hold_begins": Key(Form.ARGV_OR_NONE, "run when a recovery is held", default="[]"),
        "incident_closes": Key(Form.ARGV_OR_NONE, "run when a recovery or an emergency is over", default="[]"),
        "timeout": Key(Form.DURATION, "how long one may run before it is killed", default='"10s"', least=0.1, most=60),
    },
    "recorder": {
        "enabled": Key(Form.BOOLEAN, "whether the flight recorder records", default="true"),
        "keep": Key(Form.DURATION, "how long recordings are kept", default='"7d"', least=3600),
        "size": Key(Form.BYTES, "how much space recordings may take", default='"64MiB"', least=1 << 20),
        "every": Key(Form.DURATION, "time between two samples when all is well", default='"10s"', least=1, most=600),
    },
}

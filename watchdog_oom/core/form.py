"""The forms of values of a policy's keys: one list, for conditions and for the schema."""

from __future__ import annotations

from enum import StrEnum


class Form(StrEnum):
    """Selects a value's check and its words in the schema. The first ten are the forms of conditions."""

    SIZE = "size"
    DURATION = "duration"
    PERCENT = "percent"
    COUNT = "count"
    TRUE = "true"
    PROCESS = "process name"
    PROCESS_OR_ANY = "process name or any"
    SPOOL = "spool name"
    SERVICE = "service name"
    SIZE_OR_COUNT = "percent or count"

    TEXT = "text"
    BYTES = "size in bytes"
    INTEGER = "whole number"
    BOOLEAN = "true or false"
    CHOICE = "choice"
    HOURS = "hours"
    PATH = "path"
    UNIT = "unit name"
    UNITS = "unit names"
    USERS = "user names"
    PATH_GLOBS = "path globs"
    NAME_GLOBS = "name globs"
    ENTRY_GLOBS = "entry globs"
    REGEXES = "regular expressions"
    PROCESSES = "process names"
    SPOOLS = "spool names"
    SERVICES = "service names"
    SERVICES_OR_STOPPED = "service names or stopped"
    ARGV = "command"
    ARGV_OR_NONE = "command or none"
    ADDRESS = "address"
    PROBE = "probe"
    CLAUSES = "clauses"
    STEPS = "steps"

from __future__ import annotations

from dataclasses import replace

from tests.core.build import noun, policy
from watchdog_oom.core.policy import Protect
from watchdog_oom.explain.by_exe_alone import by_exe_alone_words


def test_what_only_a_program_selects_is_protected_for_anybody_and_that_is_said_once() -> None:
    nouns = [noun("db", exe="/usr/sbin/mysqld"), noun("cron", exe="/usr/sbin/cron"),
             noun("web", exe="/usr/sbin/nginx", user=("www-data",)), noun("unit", exe="/usr/bin/x", unit="x.service"),
             noun("named", comm="x")]
    rules = policy(*nouns, *(Protect(one.name, one.name) for one in nouns))
    [words] = by_exe_alone_words(rules)
    assert words.startswith("protect.db, protect.cron: only the program selects")
    assert list(by_exe_alone_words(replace(rules, protects={}))) == []

"""What would have prevented it: settings, the host's, and old advice that is wrong."""

from __future__ import annotations

import pytest

from tests.kernel_log.made import GIB, MIB, event, kill, task
from watchdog_oom.kernel_log.holders import holders
from watchdog_oom.kernel_log.model import ControlGroup, Event, GroupCounter
from watchdog_oom.kernel_log.prevention import Prevention, old_advice, prevention
from watchdog_oom.kernel_log.remedies import REMEDIES
from watchdog_oom.kernel_log.service_settings import SETTINGS, setting_for
from watchdog_oom.kernel_log.shortage import Short, Shortage


def advice(one: Event, *kinds: Short) -> Prevention:
    return prevention(one, [Shortage(kind, "numbers") for kind in kinds or (Short.RAM_NO_SWAP,)], holders(one))


def test_every_kind_of_shortage_has_its_remedies() -> None:
    assert set(REMEDIES) == set(Short)
    assert all(REMEDIES[kind] for kind in Short if kind is not Short.NOTHING)


@pytest.mark.parametrize(("comm", "where"), [
    ("apache2", "MaxRequestWorkers"), ("httpd", "MaxRequestWorkers"), ("php-fpm8.2", "pm.max_children"),
    ("mysqld", "innodb_buffer_pool_size"), ("mariadbd", "innodb_buffer_pool_size"),
    ("clamd", "ConcurrentDatabaseReload no"), ("java", "-Xmx"), ("redis-server", "maxmemory"),
    ("amavisd-new", "$max_servers"), ("cc1plus", "make -j, ninja -j"), ("node", "--max-old-space-size")])
def test_the_services_own_setting_is_found_by_the_name_of_its_process(comm: str, where: str) -> None:
    setting = setting_for(comm)
    assert setting is not None
    assert setting.where == where


def test_an_unknown_name_has_no_setting_and_no_name_of_the_table_is_longer_than_a_process_name_can_be() -> None:
    assert setting_for("stress-ng-vm") is None
    assert all(len(comm.rstrip("*")) <= 15 for setting in SETTINGS for comm in setting.comms)


def test_how_many_workers_fit_is_worked_out_from_what_one_held() -> None:
    crowd = tuple(task(100 + number, "apache2", 8) for number in range(100))
    (told,) = advice(event(tasks=crowd)).settings
    assert told.endswith("Each of the 100 apache2 held 8 MiB on average: 64 of them fit into half of the memory")


def test_in_a_control_group_half_of_its_limit_counts() -> None:
    group = ControlGroup("/a", None, (GroupCounter("memory", 80 * MIB, 80 * MIB),))
    crowd = tuple(task(100 + number, "php-fpm8.2", 8) for number in range(10))
    (told,) = advice(event(constraint="memcg", cgroup=group, tasks=crowd), Short.CGROUP_LIMIT).settings
    assert told.endswith("5 of them fit into half of the memory")


def test_of_a_victim_alone_nothing_more_is_claimed_than_that_it_died() -> None:
    (told,) = advice(event(kills=(kill(1, "mysqld"),))).settings
    assert told.startswith("mysqld was killed, which does not mean that it held the memory; if it did, MySQL")


@pytest.mark.parametrize("kind", [Short.KERNEL_MEMORY, Short.UNACCOUNTED, Short.FRAGMENTATION, Short.CMA, Short.NODE,
                                  Short.HUGEPAGES, Short.LOWMEM, Short.NOTHING])
def test_where_processes_are_not_the_cause_no_policy_is_offered(kind: Short) -> None:
    found = advice(event(tasks=(task(1, "java", 900),), ram_bytes=GIB), kind)
    assert (found.policy, found.settings) == ("", ())


def test_old_advice_is_named_where_it_would_be_found() -> None:
    def told(one: Event, kind: Short = Short.RAM_AND_SWAP) -> str:
        return " ".join(old_advice(one, [Shortage(kind, "")]))
    assert "vm.oom-kill = 0" in told(event())
    assert "oom_adj was replaced" not in told(event(kernel="6.1.0"))
    assert "oom_adj was replaced by oom_score_adj" in told(event(kernel="2.6.32"))
    assert "vm.lower_zone_protection" in told(event(), Short.LOWMEM)
    assert told(event(constraint="memcg")) == ""
    assert told(event(), Short.NOTHING) == ""

"""What a policy needs to see."""

from watchdog_oom.core.actions import Watch
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.guard import WAYS_IN
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.nouns import ProcessNoun, Size, SpoolNoun
from watchdog_oom.core.policy import Clause, Limit, Policy, Protect, Recover, RecoveryStep, Then, Verb
from watchdog_oom.host.processes.demand import UNIT_OF_EVERYBODY, ScanDemand, demand_of, scan_demand


def test_a_policys_rules_say_what_is_read() -> None:
    scanner, database = ProcessNoun("scanner", under=("vscan",)), ProcessNoun("database")
    policy = Policy(
        processes={"scanner": scanner, "database": database},
        spools={"vscan": SpoolNoun("vscan", "/var/spool/vscan", ("*",), 60),
                "other": SpoolNoun("other", "/x", ("*",), 60)},
        protects={"p": Protect("p", "database")},
        limits={"swap": Limit("swap", "scanner", swap=Size(1)), "rss": Limit("rss", "database", rss=Size(1))})
    assert demand_of(policy, everything=True) == ScanDemand(
        nouns=(scanner, database), swap=frozenset({"scanner"}), under=frozenset({"vscan"}),
        protect=frozenset({"database"}), guarded=frozenset({"scanner", "database"}), everything=True)


def test_guard_is_asked_about_whom_a_rule_may_end_freeze_or_only_report() -> None:
    nouns = {name: ProcessNoun(name) for name in ("hog", "seen", "killed", "frozen", "named")}
    steps = (RecoveryStep(Verb.KILL, ("killed",)), RecoveryStep(Verb.FREEZE, ("frozen",)),
             RecoveryStep(Verb.STOP, ("named",)))
    policy = Policy(
        processes=nouns, recovers={"r": Recover("r", (), steps)},
        limits={"l": Limit("l", "hog", rss=Size(1)), "m": Limit("m", "seen", count=1, then=Then.REPORT)})
    assert demand_of(policy).guarded == {"hog", "seen", "killed", "frozen"}


def test_where_a_written_value_may_be_inherited_the_unit_of_everybody_is_read() -> None:
    for value, more in ((-500, (UNIT_OF_EVERYBODY,)), (None, ()), (300, ())):
        policy = Policy(processes={"cron": ProcessNoun("cron")}, protects={"cron": Protect("cron", "cron", value)})
        assert scan_demand(policy, None).nouns == (ProcessNoun("cron"), *WAYS_IN, *more)


def test_where_units_may_be_contained_swap_and_the_units_of_everybody_are_read_too() -> None:
    nouns = {name: ProcessNoun(name) for name in ("leaker", "worker", "database", "other")}
    steps = (RecoveryStep(Verb.CONTAIN, ("worker",), memory_high=Size(1)), RecoveryStep(Verb.KILL, ("other",)))
    policy = Policy(
        processes=nouns, protects={"p": Protect("p", "database")},
        limits={"l": Limit("l", "leaker", rss=Size(1), then=Then.CONTAIN), "o": Limit("o", "other", rss=Size(1))},
        recovers={"r": Recover("r", (), steps)})
    demand = demand_of(policy)
    assert demand.swap == {"leaker"}
    assert demand.contained == {"leaker", "worker"}
    assert scan_demand(policy, None).nouns == (*nouns.values(), *WAYS_IN, UNIT_OF_EVERYBODY)


def test_guard_must_know_sshd_and_login_and_those_that_the_last_decision_watches() -> None:
    assert scan_demand(Policy(), None, Watch(processes=frozenset({7}))) == ScanDemand(
        nouns=WAYS_IN, pids=frozenset({7}))


def test_the_lowest_sum_by_which_a_rule_could_act_says_from_when_on_sharing_matters() -> None:
    nouns = {name: ProcessNoun(name) for name in ("pool", "queue", "leaker", "php", "other")}
    clauses = (Clause((ProcessesAre("php", total_rss_above=Size(percent=50)), ProcessesAre("php", count_above=1))),
               Clause((ProcessesAre("php", total_rss_above=Size(700)),)),
               Clause((ProcessesAre("other", count_above=1),)))
    limits = (Limit("pool", "pool", total_rss=Size(1000)), Limit("lower", "pool", total_rss=Size(900)),
              Limit("queue", "queue", total_rss=Size(1000), then=Then.FREEZE),
              Limit("leaker", "leaker", total_rss=Size(1000), then=Then.CONTAIN), Limit("other", "other", rss=Size(1)))
    policy = Policy(processes=nouns, limits={limit.name: limit for limit in limits},
                    recovers={"r": Recover("r", clauses, ())})
    assert scan_demand(policy, Memory(1000, 900, 100, 0, 0)).together == {
        "pool": 900, "queue": 500, "leaker": 800, "php": 500}
    assert scan_demand(policy, None).together == {"pool": 900, "queue": 500, "leaker": 800, "php": 700}


def test_an_empty_policy_wants_nothing() -> None:
    assert demand_of(Policy()) == ScanDemand()


def test_swap_is_only_taken_for_empty_where_the_hosts_own_figures_say_so() -> None:
    def swapped(total: int, free: int, group: str = "") -> bool:
        return scan_demand(Policy(), Memory(100, 90, 0, total, free, group=group)).swapped
    assert not swapped(0, 0) and not swapped(64, 64)
    assert swapped(64, 63)
    assert swapped(0, 0, "/docker/x"), "the bound of a group, not the swap of the host"
    assert scan_demand(Policy(), None).swapped

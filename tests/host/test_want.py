"""What a policy needs to see."""

from watchdog_oom.host.want import Want, want_of
from watchdog_oom.policy.types import Limit, Policy, ProcessNoun, Protect, Size, SpoolNoun


def test_a_policys_rules_say_what_is_read() -> None:
    scanner, database = ProcessNoun("scanner", under=("vscan",)), ProcessNoun("database")
    policy = Policy(
        processes={"scanner": scanner, "database": database},
        spools={"vscan": SpoolNoun("vscan", "/var/spool/vscan", ("*",), 60),
                "other": SpoolNoun("other", "/x", ("*",), 60)},
        protects={"p": Protect("p", "database")},
        limits={"swap": Limit("swap", "scanner", swap=Size(1)), "rss": Limit("rss", "database", rss=Size(1))})
    assert want_of(policy, everything=True) == Want(
        nouns=(scanner, database), swap=frozenset({"scanner"}), under={"vscan": "/var/spool/vscan"},
        protect=frozenset({"database"}), everything=True)


def test_an_empty_policy_wants_nothing() -> None:
    assert want_of(Policy()) == Want()

"""Golden plans: what each shipped policy does about one recorded moment, as text that a reviewer reads; likewise
policies for moments that no shipped one is about, which stand beside their plan.

To write them anew after a change that is meant: ``python -m tests.test_shipped_policies``, then read the diff.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.core.snapshot_json import snapshot_of
from watchdog_oom.cli import cli
from watchdog_oom.cli.policy_test.sensed import as_sensed
from watchdog_oom.core.actions import Watch
from watchdog_oom.core.decide import decide
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.model import ServiceState, ServiceStatus, Snapshot
from watchdog_oom.core.policy import Policy
from watchdog_oom.host.processes.demand import scan_demand
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.load import load_policy

SHIPPED = Path(__file__).parents[1] / "policies"
GOLDEN = Path(__file__).parent / "policies"
NAMES = sorted((*(path.stem for path in SHIPPED.glob("*.toml") if "." not in path.stem),
                *(path.parent.name for path in GOLDEN.glob("*/policy.toml"))))


def plan_of(name: str) -> str:
    """What the policy plans in the recorded moment, once everything has held for as long as it must."""
    policy = policy_named(name)
    snapshot = snapshot_of(json.loads((GOLDEN / name / "snapshot.json").read_text()))
    history, watch = History(run_id="golden"), Watch()
    lines: list[str] = []
    for seconds in (0, 60, 61):
        moment = at(snapshot, seconds=seconds, policy=policy)
        demand = scan_demand(policy, moment.memory, watch)
        moment = replace(moment, processes=as_sensed(moment.processes, demand))
        plan, history = decide(moment, policy, history, Budget())
        watch = plan.watch
        lines += [f"--- after {seconds} s", str(plan)]
    return "\n".join(lines) + "\n"


def at(snapshot: Snapshot, *, seconds: float, policy: Policy) -> Snapshot:
    """The same host later: whatever holds, has held; the service manager has just said that all services run."""
    clock = replace(snapshot.clock, wall=snapshot.clock.wall + seconds, boottime=snapshot.clock.boottime + seconds)
    services = {name: ServiceState(noun.unit, ServiceStatus.ACTIVE, clock.boottime, main_pid=1)
                for name, noun in policy.services.items()}
    recorded = {name: replace(state, sensed_boottime=clock.boottime) for name, state in snapshot.services.items()}
    return replace(snapshot, clock=clock, services={**services, **recorded})


def policy_named(name: str) -> Policy:
    own = GOLDEN / name / "policy.toml"
    path = own if own.exists() else SHIPPED / f"{name}.toml"
    return build_policy(load_policy(files=[str(path)], check_ownership=False).ir)


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_plans_what_its_golden_file_says(name: str) -> None:
    assert plan_of(name) == (GOLDEN / name / "plan.txt").read_text()


def test_routine_cleaning_waits_for_a_recovery_of_its_spool_and_for_nothing_else() -> None:
    plan = plan_of("sessions")
    assert "purge sessions  [clean.sessions] because 70123 of 90210 entries of sessions are stale" in plan
    assert "[clean.uploads]" not in plan


def test_the_mail_servers_moment_is_the_incident_and_its_plan_spares_the_database() -> None:
    plan = plan_of("mail-server")
    assert "stop amavis.service" in plan
    assert "TERM clamscan" in plan
    assert "TERM mysqld" not in plan
    assert "KILL mysqld" not in plan


@pytest.mark.parametrize("name", [path.stem for path in SHIPPED.glob("*.toml") if "." not in path.stem])
def test_a_shipped_policy_does_what_the_cases_beside_it_expect(name: str) -> None:
    done = CliRunner().invoke(cli, ["test", str(SHIPPED / f"{name}.test.toml")])
    assert done.exit_code == 0, done.output


if __name__ == "__main__":
    for each in NAMES:
        (GOLDEN / each / "plan.txt").write_text(plan_of(each))

"""``watchdog-oom test``: the cases of test files, each on a simulated host, against the policies they name."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import click

from watchdog_oom.cli.output import show
from watchdog_oom.cli.policy_test.case import Case
from watchdog_oom.cli.policy_test.case_file import CaseFile, faults_of, files_below, read_cases
from watchdog_oom.cli.policy_test.pages import CaseResult, junit, page
from watchdog_oom.cli.policy_test.play import play
from watchdog_oom.cli.policy_test.scene import Scene, scene_of
from watchdog_oom.errors import Fault, PolicyError
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.load import load_policy

EXIT_FAILED = 1


@click.command("test", short_help="Does a policy do what its test files expect?")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(readable=False))
@click.option("--junit", "junit_path", metavar="FILE", type=click.Path(dir_okay=False),
              help="Write the results to this file as well, in the form of JUnit.")
@click.option("--plans", "with_plans", is_flag=True, help="Show what was done in every case, not only where one fails.")
@click.pass_context
def test(context: click.Context, paths: tuple[str, ...], junit_path: str | None, with_plans: bool) -> None:
    """Play the cases of test files on a simulated host, and see whether the policy does what they expect.

    PATH is a file, usually NAME.test.toml, or a directory with such files anywhere below it. docs/policy-tests.md says
    what is in them. The host is not looked at, and nothing is done.

    Exit status: 0 all as expected, 1 a case failed, 2 a test file or a policy is not valid.
    """
    results = [_result(scene) for scene in _scenes(paths)]
    if junit_path is not None:
        with open(junit_path, "w", encoding="utf-8") as file:
            file.write(junit(results))
    show(page(results, with_plans=with_plans))
    context.exit(EXIT_FAILED if any(result.failures for result in results) else 0)


def _result(scene: Scene) -> CaseResult:
    began = time.monotonic()
    played = play(scene)
    return CaseResult(played, tuple(played.failures()), time.monotonic() - began)


def _scenes(paths: tuple[str, ...]) -> list[Scene]:
    """Every case of every file with its policy. Raises PolicyError with all mistakes of all files."""
    faults: list[Fault] = []
    scenes: list[Scene] = []
    loaded: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for path in files_below(paths):
        try:
            file = read_cases(path)
        except PolicyError as error:
            faults.extend(error.faults)
            continue
        for case in file.cases:
            try:
                scenes.append(_scene(file, case, loaded))
            except PolicyError as error:
                faults.extend(error.faults)
    if faults:
        raise PolicyError(tuple(set(faults)))
    return scenes


def _scene(file: CaseFile, case: Case, loaded: dict[tuple[str, ...], Mapping[str, Any]]) -> Scene:
    if case.policies not in loaded:
        missing = [path for path in case.policies if not os.path.exists(path)]
        if missing:
            at = (*case.path, "policy")
            raise PolicyError(faults_of(file, [(at, f"there is no policy {path}") for path in missing]))
        folders = [path for path in case.policies if os.path.isdir(path)]
        files = [path for path in case.policies if not os.path.isdir(path)]
        # Whoever owns them: nothing is done by them here.
        loaded[case.policies] = load_policy(folders, files, check_ownership=False).ir
    values = loaded[case.policies]
    scene = scene_of(case, build_policy(values), values["process"])
    if scene.mistakes:
        raise PolicyError(faults_of(file, scene.mistakes))
    return scene

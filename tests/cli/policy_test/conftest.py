"""A policy and a test file of it in a directory of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from watchdog_oom.cli.policy_test.case_file import read_cases
from watchdog_oom.cli.policy_test.play import Played, play
from watchdog_oom.cli.policy_test.scene import Scene, scene_of
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.load import load_policy

SceneOf: TypeAlias = Callable[[str, str], Scene]
PlayOf: TypeAlias = Callable[..., Played]


@pytest.fixture
def scene(tmp_path: Path) -> SceneOf:
    """The scene of the only case: the text of the policy, and that of the host's keys."""
    def made(policy: str, host: str) -> Scene:
        (tmp_path / "policy.toml").write_text(policy)
        path = tmp_path / "it.test.toml"
        path.write_text(host if "[[case]]" in host else
                        f'[[case]]\nname = "it"\nrefuse = ["nothing"]\n[case.host]\n{host}\n')
        (case,) = read_cases(str(path)).cases
        ir = load_policy(files=[str(tmp_path / "policy.toml")], check_ownership=False).ir
        return scene_of(case, build_policy(ir), ir["process"])
    return made


@pytest.fixture
def played(scene: SceneOf) -> PlayOf:
    def made(policy: str, host: str, after: str = "0s") -> Played:
        text = f'[[case]]\nname = "it"\nafter = "{after}"\nrefuse = ["nothing"]\n[case.host]\n{host}\n'
        found = scene(policy, text)
        assert found.mistakes == []
        return play(found)
    return made

"""What `list` says of worlds without loading them; test_terms.py holds its sizes against the worlds."""

import dataclasses
from typing import ClassVar

import pytest

from docs.spaces import sizes
from environments.config import EnvConfig
from environments.config.summary import ACTION_MODES, summary
from environments.registry import registered_env


@pytest.mark.parametrize("env_id", registered_env)
def test_every_world_says_what_it_is(env_id: str) -> None:
    found = summary(env_id, registered_env[env_id].load_config())
    assert found.what.endswith(".")
    assert "`" not in found.what
    assert found.actions.keys() == {mode for mode in ACTION_MODES if mode in found.modes} or {"continuous"}
    assert found.state_sizes.keys() == set(found.states) - {"raw_pixels"}


def test_the_file_is_what_its_command_writes() -> None:
    for env_id in ("MobileRobotGymEnv-v0", "MobileRobot1DGymEnv-v0"):
        found = summary(env_id, registered_env[env_id].load_config())
        assert sizes(env_id) == {"actions": found.actions, "states": found.state_sizes}


def test_in_words() -> None:
    kuka = summary("KukaButtonGymEnv-v0", registered_env["KukaButtonGymEnv-v0"].load_config())
    assert kuka.what == "A Kuka arm pushes one button that stands on a table."
    assert kuka.actions_in_words() == "6 discrete, 3 numbers (-c), 7 numbers (-c -joints)"
    assert kuka.states_in_words() == "raw_pixels, ground_truth 3, joints 14, joints_position 17"
    assert kuka.other_flags() == "-r --shape-reward --multi-view"
    ant = summary("AntGymEnv-v0", registered_env["AntGymEnv-v0"].load_config())
    assert ant.actions_in_words() == "8 numbers"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Undescribed(EnvConfig):
    env_id: ClassVar[str] = "Undescribed-v0"


def test_a_world_from_elsewhere_has_no_sizes() -> None:
    found = summary("Undescribed-v0", Undescribed)
    assert (found.what, found.actions, found.state_sizes) == ("", {}, {})
    assert found.states_in_words() == "ground_truth"

"""``python -m environments.oracle``: what scripted policies and random agents earn."""

import json

import numpy as np
import pytest

from environments import oracle
from environments.batched.episodes import episode_returns, random_policy
from environments.omnirobot_gym.config import OmnirobotConfig
from environments.omnirobot_gym.omnirobot_env import OmnirobotWorld
from environments.registry import ThreadingType, registered_env
from srl3.errors import UserError


def returns(capsys: pytest.CaptureFixture[str], *flags: str) -> dict[str, float]:
    oracle.main([*flags, "--json"])
    return {name: figures["mean"] for name, figures in json.loads(capsys.readouterr().out).items()}


def test_it_prints_both_returns(capsys: pytest.CaptureFixture[str]) -> None:
    oracle.main(["--env", "MobileRobotGymEnv-v0", "--episodes", "20", "--seed", "3", "-c", "-r"])
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("oracle: 20 episodes - Mean reward: 2")
    assert second.startswith("random agent: 20 episodes - Mean reward: ")


def test_flags_and_parameters_reach_the_world(capsys: pytest.CaptureFixture[str]) -> None:
    circle = returns(capsys, "--env", "OmnirobotEnv-v0", "-cc", "--episodes", "3")
    short = returns(capsys, "--env", "OmnirobotEnv-v0", "-cc", "--episodes", "3", "--env-kwargs", "max_steps:50")
    assert circle["oracle"] > 1800
    assert 0.15 < short["oracle"] / circle["oracle"] < 0.2


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--env", "OmnirobotEnv-v1"], "did you mean OmnirobotEnv-v0"),
        (["--env", "OmnirobotEnv-v0", "-cc", "-sc"], "different tasks"),
        (["--env", "MobileRobotGymEnv-v0", "-cc"], "task of OmnirobotEnv-v0"),
        (["--env", "MobileRobot1DGymEnv-v0", "-c"], "only discrete actions"),
        (["--env", "OmnirobotEnv-v0", "--seed", "-2"], "not a whole number"),
        (["--env", "OmnirobotEnv-v0", "--episodes", "0"], "at least 1"),
    ],
)
def test_wrong_flags_are_refused(flags: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        oracle.main(flags)


@pytest.mark.parametrize(
    ("flags", "least", "most"),
    [
        (["--env", "KukaButtonGymEnv-v0", "-c", "-r"], 5, 5),
        (["--env", "Kuka2ButtonGymEnv-v0"], 10, 10),
        (["--env", "InmoovButtonGymEnv-v0", "-r"], 5, 5),
        (["--env", "CarRacingGymEnv-v0", "--env-kwargs", "max_steps:150"], 20, 400),
    ],
)
def test_worlds_with_an_engine_are_played_one_by_one(
    capsys: pytest.CaptureFixture[str], flags: list[str], least: float, most: float
) -> None:
    earned = returns(capsys, *flags, "--episodes", "1")
    assert least <= earned["oracle"] <= most
    assert earned["random agent"] < earned["oracle"]


MARGINS = {
    "VelocityFlatGymEnv-v0": 5,
    "VelocityRoughGymEnv-v0": 5,
    "DexHandBaseGymEnv-v0": 50,
    "ParaHandReorientGymEnv-v0": 5,
    "ParaHandRotateZGymEnv-v0": 1,
}
"""what an oracle earns beyond a random agent, at least, where rewards are small"""
STEPS = {"DexHandBaseGymEnv-v0": 100, "ParaHandReorientGymEnv-v0": 100, "ParaHandRotateZGymEnv-v0": 100}
"""of an episode, where fewer than usual tell them apart"""
WITHOUT_ORACLE = ["HumanoidGymEnv-v0"]
"""worlds that nobody has written a policy for"""


def test_every_other_world_has_an_oracle() -> None:
    assert [name for name, entry in registered_env.items() if entry.load_oracle() is None] == WITHOUT_ORACLE


def test_every_batched_world_has_an_oracle_that_beats_a_random_agent() -> None:
    batched = {
        name: entry
        for name, entry in registered_env.items()
        if entry.threading is ThreadingType.BATCHED and name not in WITHOUT_ORACLE
    }
    assert len(batched) >= 5
    for name, entry in batched.items():
        policy = entry.load_oracle()
        assert policy is not None, name
        face = entry.load_class()
        steps = {"max_steps": STEPS[name]} if name in STEPS else {}
        world = face.world_class(face.config_class(srl_model="ground_truth", **steps), 10)
        best = episode_returns(world, policy, 0)
        random = episode_returns(world, random_policy(np.random.default_rng(0)), 0)
        assert best.mean() > random.mean() + MARGINS.get(name, 100), name


def test_a_return_is_of_the_first_episode_only() -> None:
    config = OmnirobotConfig(simple_continual_target=True, contacts_to_end=3, position_noise=0.0)
    policy = registered_env["OmnirobotEnv-v0"].load_oracle()
    assert policy is not None
    # it never bumps, so all that it earns is its three contacts
    np.testing.assert_array_equal(episode_returns(OmnirobotWorld(config, 20), policy, 0), 3)

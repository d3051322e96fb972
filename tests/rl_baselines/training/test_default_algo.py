from pathlib import Path

import pytest

from rl_baselines.training.request import TrainingRequest
from rl_baselines.training.resolve import resolve


@pytest.mark.parametrize(
    ("env", "choices", "algo"),
    [
        ("Ant", {}, "batched_ppo"),
        ("VelocityFlat", {}, "batched_ppo"),
        ("ParaHandRotateZ", {}, "batched_ppo"),
        ("Ant", {"algo": "sac"}, "sac"),
        ("MobileRobotGymEnv-v0", {"srl_model": "ground_truth"}, "ppo2"),
    ],
)
def test_a_world_may_have_an_algorithm_of_its_own(env: str, choices: dict[str, str], algo: str, tmp_path: Path) -> None:
    plan = resolve(TrainingRequest(env=env, log_dir=tmp_path, no_vis=True, **choices))
    assert plan.algo == algo
    assert plan.arguments["algo"] == algo

"""Policies of real worlds, from training to the runner: memory, stack, pictures, foreign ids, histories, drawing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rl_baselines import export, train
from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.export.reader import read_exported
from rl_baselines.export.runner import Policy
from rl_baselines.export.write import export_policy
from rl_baselines.runs.run_folder import find_runs
from tests.rl_baselines.export import imitation

MOBILE = ("--env", "MobileRobotGymEnv-v0", "--num-cpu", "1")
STATES = ("--srl-model", "ground_truth")
CASES: dict[str, tuple[str, ...]] = {
    "memory and stack": (*MOBILE, *STATES, "-c", "--policy", "lstm", "--num-stack", "2", "--hyperparam", "n_steps:32"),
    "pictures": (*MOBILE, "--srl-model", "raw_pixels", "--img-shape", "48x48", "--hyperparam", "n_steps:32"),
    "a foreign id": ("--env", "Pendulum-v1", "--algo", "sac", "--hyperparam", "buffer_size:1000", "normalize:true"),
}


@pytest.mark.parametrize("name", CASES)
def test_from_training_to_the_runner(name: str, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    flags = ("--num-timesteps", "64", "--no-vis", "--no-progress", "--log-dir", str(logs))
    assert train.main([*CASES[name], *flags]) == 0
    run = find_runs(logs)[-1]
    assert export.main([str(run.path)]) == 0
    assert export.main(["--verify", str(run.policy)]) == 0
    policy, actor = Policy(str(run.policy)), Actor.from_checkpoint(load_checkpoint(run.latest))
    assert policy.check() <= 1
    (seen,) = policy.contract["observation"]["inputs"]
    shape = [*seen["shape"][:-1], seen["shape"][-1] // seen["history"]]
    rng = np.random.default_rng(0)
    for _ in range(2):
        policy.reset()
        for step in range(5):
            raw = rng.uniform(0, 255 if seen["image"] else 1, shape).astype(seen["dtype"])
            (wanted,) = actor.act(raw[None], np.array([step == 0]), deterministic=True)
            np.testing.assert_allclose(policy({seen["terms"][0]["name"]: raw}), wanted, atol=1e-4)
            assert len(policy.controls(wanted)) == len(policy.contract["action"]["terms"])


def test_histories_are_assembled_by_name_as_the_world_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imitation, "UPDATES", 1)
    monkeypatch.setattr(imitation, "STEPS", 3)
    kwargs: dict[str, Any] = {
        "observations": {"policy": {"joint_vel": {"history": 3, "clip": [-0.5, 0.5]}}},
        "actions": {"moving_average": 0.5},
    }
    checkpoint = imitation.imitating("AntGymEnv-v0", tmp_path / "ant.zip", **kwargs)
    export_policy(checkpoint, tmp_path / "policy.onnx", stochastic=True)
    policy, actor = Policy(str(tmp_path / "policy.onnx")), Actor.from_checkpoint(checkpoint)
    world = imitation.make_world("AntGymEnv-v0", 1, **kwargs)
    for _ in range(8):
        raw = {name: values[0].numpy() for name, values in world.compute_observations()["policy"].items()}
        raw.pop("actions")
        action = policy(raw)
        np.testing.assert_allclose(action, actor.act(world.observe().numpy(), deterministic=True)[0], atol=1e-5)
        controls = policy.controls(action)
        world.step(torch.from_numpy(action)[None])
        np.testing.assert_allclose(list(controls.values()), world.actions.applied[0], atol=1e-6)
    assert list(controls) == list(world.robot.joints)
    lists = read_exported(tmp_path / "policy.onnx").metadata
    assert lists["joint_names"].split(",") == list(world.robot.joints)
    assert [float(value) for value in lists["default_joint_pos"].split(",")] == list(world.robot.default_pose)
    assert "joint_stiffness" not in lists

    drawing = Policy(str(tmp_path / "policy.onnx"), draw=True, seed=0)
    seen = np.repeat(world.observe().numpy(), 4000, 0)
    drawn = drawing.run({"obs": seen})
    mean, std = drawing.outputs["mean"][0], drawing.outputs["std"][0]
    assert np.abs(drawn).max() <= 1
    inside = np.abs(mean) < 1
    np.testing.assert_allclose(np.median(drawn, 0)[inside], mean[inside], atol=0.1 * float(std.max()))

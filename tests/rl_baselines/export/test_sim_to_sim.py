"""The deployments of the page: an exported policy in plain MuJoCo, without SRL3, earns what it earns in its world."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest
import torch

from rl_baselines import export
from rl_baselines.acting.actor import Actor
from tests.rl_baselines.export.imitation import imitating, make_world

PAGE = Path(__file__).parents[3] / "docs" / "export.md"
EPISODES = 8
COMMAND = (0.5, 0.0, 0.0)
STILL = {
    "lin_vel_x": [0.5, 0.5],
    "lin_vel_y": [0.0, 0.0],
    "ang_vel_z": [0.0, 0.0],
    "standing_share": 0.0,
    "heading_share": 0.0,
    "forward_share": 0.0,
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def script(name: str) -> str:
    found = re.search(rf"```python\n(# {name}\n.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert found, f"{PAGE.name} has no {name}"
    return found.group(1)


def deployed(folder: Path, name: str, checkpoint: Path, model: mujoco.MjModel) -> None:
    """The folder that goes to the robot."""
    folder.mkdir()
    (folder / name).write_text(script(name), encoding="utf-8")
    mujoco.mj_saveModel(model, str(folder / "robot.mjb"))
    assert export.main([str(checkpoint), "-o", str(folder / "policy.onnx"), "--runner"]) == 0


def plain_returns(folder: Path, name: str, starts: np.ndarray, speeds: np.ndarray, more: str) -> np.ndarray:
    """Returns of episodes in a Python that knows no SRL3."""
    np.savez(folder / "starts.npz", starts=starts, speeds=speeds)
    code = (
        f"import sys; sys.path.insert(0, '.'); sys.argv = ['', 'robot.mjb', 'policy.onnx']\n"
        f"import numpy, {name}\n"
        "found = numpy.load('starts.npz')\n"
        "for start, speed in zip(found['starts'], found['speeds']):\n"
        f"    print({name}.episode(start, speed, {more}))\n"
        "assert not {'srl3', 'environments', 'rl_baselines', 'torch'} & set(sys.modules)"
    )
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={})
    assert done.returncode == 0, done.stderr
    return np.array([float(line) for line in done.stdout.split()])


def own_returns(checkpoint: Any, world: Any, steps: int) -> np.ndarray:
    """Returns of the first episodes of ``world``'s robots."""
    actor = Actor.from_checkpoint(checkpoint)
    returns, alive = np.zeros(EPISODES), np.ones(EPISODES, bool)
    for _ in range(steps):
        step = world.step(torch.from_numpy(actor.act(world.observe().numpy(), deterministic=True)))
        returns += step.reward.numpy() * alive
        alive &= ~step.terminated.numpy()
    return returns


def test_the_ant(tmp_path: Path) -> None:
    checkpoint = imitating("AntGymEnv-v0", tmp_path / "ant.zip")
    world = make_world("AntGymEnv-v0", EPISODES)
    starts, speeds = world.exact("qpos").numpy().copy(), world.exact("qvel").numpy().copy()
    deployed(tmp_path / "robot", "drive_ant.py", checkpoint.path, world.backend.model)
    plain = plain_returns(tmp_path / "robot", "drive_ant", starts, speeds, "steps=200")
    own = own_returns(checkpoint, world, 200)
    assert own.mean() > 250, "the policy does not walk, so there is nothing to compare"
    assert plain.mean() >= 0.95 * own.mean(), f"{plain} of {own}"


def test_the_quadruped(tmp_path: Path) -> None:
    exact = {
        term: {"noise": 0.0} for term in ("base_lin_vel", "base_ang_vel", "projected_gravity", "joint_pos", "joint_vel")
    }
    kwargs = {"command": STILL, "observations": {"policy": exact}}
    checkpoint = imitating("VelocityFlatGymEnv-v0", tmp_path / "quadruped.zip", **kwargs)
    world = make_world("VelocityFlatGymEnv-v0", EPISODES, **kwargs)
    starts, speeds = world.exact("qpos").numpy().copy(), world.exact("qvel").numpy().copy()
    deployed(tmp_path / "robot", "drive_quadruped.py", checkpoint.path, world.backend.model)
    plain = plain_returns(tmp_path / "robot", "drive_quadruped", starts, speeds, f"{COMMAND}, steps=25")
    own = own_returns(checkpoint, world, 25)
    assert own.mean() > 0
    # a foot that touches the ground a little sooner leads elsewhere, in one robot or two; another term, in all
    alike = np.isclose(plain, own, rtol=1e-4)
    assert alike.sum() >= EPISODES - 3, f"one of the ten rewards is another than the world's: {plain}, {own}"

"""Makes the pictures of the readme: ``python -m docs.pictures``, from the root of a checkout.

A training with the readme's own command gives the learning curve; the worlds are drawn by their own cameras, the
robots driven from the ground truth. Everything is seeded.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from matplotlib.image import imsave

import environments  # noqa: F401  (makes the worlds known to Gymnasium)
from environments.batched.single import BatchedGymEnv
from environments.registry import find_env
from srl3.errors import run_command

ROOT = Path(__file__).parents[1]
IMAGES = Path(__file__).parent / "images"
TRAINING = (
    "--env",
    "MobileRobotGymEnv-v0",
    "--srl-model",
    "ground_truth",
    "--num-timesteps",
    "500_000",
)
"""flags of the training whose learning curve the readme shows"""
SIDE = 480
"""pixels of a view"""
LEFT, RIGHT, NEARER, FARTHER, DOWN = range(5)
"""discrete actions of Kuka: -x, +x, -y, +y, -z; the first four are the mobile robot's too"""
NEAR_ENOUGH = 0.02
"""distance along x and y from which Kuka's hand goes straight down, metres"""
HANDS = {
    "ParaHandReorientGymEnv-v0": 12,
    "ParaHandRotateZGymEnv-v0": 12,
    "DexHandBaseGymEnv-v0": 150,
    "DexHandGraspGymEnv-v0": 270,
}
"""after how many steps each is drawn"""
DRIVE = (RIGHT,) * 6 + (FARTHER,) * 4


def make_env(env_id: str, **env_kwargs: Any) -> Any:
    """The environment with a camera of `SIDE` pixels, at the start of an episode."""
    env = gymnasium.make(env_id, srl_model="ground_truth", img_shape=(SIDE, SIDE), **env_kwargs).unwrapped
    env.reset(seed=0)
    return env


def kuka() -> np.ndarray:
    """``(SIDE, 2 SIDE, 3) uint8``: the arm at the start of an episode, and when it first touches the button."""
    env = make_env("KukaButtonGymEnv-v0")
    views = [env.get_image()]
    reward, over = 0.0, False
    while reward <= 0:
        if over:
            raise RuntimeError("the arm has not reached the button")
        _, reward, terminated, truncated, _ = env.step(towards_button(env.ground_truth()))
        over = terminated or truncated
    views.append(env.get_image())
    env.close()
    return np.concatenate(views, axis=1)


def towards_button(offset: np.ndarray) -> int:
    """The discrete action for a gripper that is ``offset (3,)`` metres away from the target: over it, then down."""
    axis = int(np.argmax(np.abs(offset[:2])))
    if abs(offset[axis]) < NEAR_ENOUGH:
        return DOWN
    return 2 * axis + int(offset[axis] < 0)


def mobile_robot() -> np.ndarray:
    """``(SIDE, 2 SIDE, 3) uint8``: the arena from above, and what the camera on the robot sees."""
    env = make_env("MobileRobotGymEnv-v0", multi_view=True)
    for action in DRIVE:
        env.step(action)
    image = env.get_image()
    return np.concatenate([image[..., :3], image[..., 3:]], axis=1)


def hands() -> np.ndarray:
    """``(600, 800, 3) uint8``: the four worlds of the hand, under their scripted policies."""
    views = []
    for env_id, steps in HANDS.items():
        entry = find_env(env_id)
        face, oracle = entry.load_class(), entry.load_oracle()
        assert issubclass(face, BatchedGymEnv)
        assert oracle is not None
        world = face.world_class(face.config_class.from_kwargs({"img_shape": (300, 400)}), 1)
        world.seed([0])
        world.reset()
        for _ in range(steps):
            world.step(oracle(world))
        views.append(world.images()[0])
        world.close()
    return np.concatenate([np.concatenate(views[:2], 1), np.concatenate(views[2:], 1)])


def learning_curve(path: Path) -> None:
    """Train as the readme says and keep the run's own figure."""
    with tempfile.TemporaryDirectory() as logs:
        command = [sys.executable, "-m", "rl_baselines.train", *TRAINING, "--no-vis", "--log-dir", logs]
        subprocess.run(command, cwd=ROOT, check=True)
        (figure,) = Path(logs).glob("*/*/*/*/plots/learning_curve.png")
        shutil.copyfile(figure, path)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m docs.pictures", description="Make the pictures of the readme.")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder of the pictures")
    out = parser.parse_args(argv).out
    out.mkdir(parents=True, exist_ok=True)
    imsave(out / "kuka.png", kuka())
    imsave(out / "mobile_robot.png", mobile_robot())
    imsave(out / "hands.png", hands())
    learning_curve(out / "learning_curve.png")
    print(f"pictures: {out}")


if __name__ == "__main__":
    run_command(main)

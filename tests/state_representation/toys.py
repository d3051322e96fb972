"""A toy world's dataset: a white block that moves by one pixel a step, and a red one that stays for an episode."""

from pathlib import Path

import numpy as np

from environments.datasets.dataset import Dataset, DatasetWriter, open_dataset
from environments.datasets.info import DatasetInfo
from environments.datasets.writer import Rows

ENV_ID = "MobileRobotGymEnv-v0"
MOVES = np.array([[-1, 0], [1, 0], [0, -1], [0, 1]])
"""x, y in pixels for each action"""


def draw(agent: np.ndarray, target: np.ndarray, shape: tuple[int, int, int], flipped: bool = False) -> np.ndarray:
    """``(n, H, W, C) uint8``: blocks of 4x4 pixels; a second view, of six channels, is turned upside down."""
    height, width, channels = shape
    frames = np.full((len(agent), height, width, 3), 40, np.uint8)
    for frame, place, goal in zip(frames, agent, target, strict=True):
        frame[goal[1] : goal[1] + 4, goal[0] : goal[0] + 4] = (200, 0, 0)
        frame[place[1] : place[1] + 4, place[0] : place[0] + 4] = 255
    if channels == 6:
        frames = np.concatenate([frames, frames[:, ::-1]], axis=3)
    return frames


def write_toy(
    path: Path,
    shape: tuple[int, int, int] = (24, 32, 3),
    episodes: int = 8,
    length: int = 30,
    continuous: bool = False,
    relative_pos: bool = False,
    seed: int = 0,
) -> Path:
    """Record the toy world acting at random; height and width differ, so that a transposed frame is found out.

    Reward 1 within ten pixels of the target, -1 where a move is refused at the border, else 0.
    """
    rng = np.random.default_rng(seed)
    info = DatasetInfo(
        env_id=ENV_ID,
        env_kwargs={"random_target": True, "img_shape": list(shape[:2])},
        seed=seed,
        relative_pos=relative_pos,
        frame_shape=shape,
        multi_view=shape[2] == 6,
        n_actions=None if continuous else 4,
    )
    limit = np.array([shape[1] - 4, shape[0] - 4])
    with DatasetWriter(path, info) as writer:
        for _ in range(episodes):
            place, goal = rng.integers(0, limit), rng.integers(0, limit)
            places, rewards = [], []
            actions = rng.integers(0, 4, length)
            for action in actions:
                places.append(place)
                wanted = place + MOVES[action]
                bump = bool((wanted < 0).any() or (wanted > limit).any())
                place = place if bump else wanted
                rewards.append(-1.0 if bump else float(np.linalg.norm(place - goal) <= 10))
            agent, target = np.array(places), np.tile(goal, (length, 1))
            writer.append_rows(
                Rows(
                    frames=draw(agent, target, shape),
                    actions=MOVES[actions].astype(np.float32) if continuous else actions,
                    rewards=np.array(rewards),
                    episode_starts=np.arange(length) == 0,
                    ground_truth=(agent - target if relative_pos else agent).astype(np.float32),
                    targets=target.astype(np.float32),
                )
            )
        writer.finish()
    return path


def toy(path: Path, **settings: object) -> Dataset:
    """The dataset that `write_toy` writes."""
    return open_dataset(write_toy(path, **settings))  # type: ignore[arg-type]

"""Checkpoints of policies that were never trained, on spaces alone: quick to make, and as hard to export as any."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from rl_baselines.acting.model_on_spaces import SpacesOnly
from rl_baselines.checkpoints.archive import Checkpoint, load_checkpoint, save_checkpoint
from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.checkpoints.spaces import described_spaces
from rl_baselines.hyperparams.action_types import ActionType
from rl_baselines.registry import find_algo
from rl_baselines.vec_envs.frame_stack import stacked_space
from rl_baselines.vec_envs.images import as_sb3
from rl_baselines.vec_envs.normalizer import StateNormalizer
from state_representation.encoding.encoder import Encoder
from state_representation.encoding.vec_wrapper import EncoderVecWrapper

STATES = spaces.Box(-5, 5, (6,), np.float32)
PIXELS = spaces.Box(0, 255, (36, 36, 3), np.uint8)
ACTIONS: dict[ActionType, spaces.Space[Any]] = {
    ActionType.DISCRETE: spaces.Discrete(4),
    ActionType.CONTINUOUS: spaces.Box(np.array([-1, -0.5, -2], np.float32), np.array([1, 2, 2], np.float32)),
    ActionType.MULTI_DISCRETE: spaces.MultiDiscrete([3, 2]),
    ActionType.MULTI_BINARY: spaces.MultiBinary(3),
}
SMALL = {"net_arch": [16]}


@dataclasses.dataclass(frozen=True)
class Case:
    """What is exported."""

    algo: str
    action: ActionType = ActionType.CONTINUOUS
    observed: spaces.Space[Any] = dataclasses.field(default_factory=lambda: STATES)
    images: tuple[str, ...] = ()
    num_stack: int = 1
    normalize: bool = True
    hyperparams: dict[str, Any] = dataclasses.field(default_factory=dict)
    policy: str = "feedforward"
    encoder: Encoder | None = None


def checkpoint_of(case: Case, path: Path) -> Checkpoint:
    """A checkpoint of the case at ``path``, with random weights and statistics."""
    rng = np.random.default_rng(3)
    venv: VecEnv = SpacesOnly(case.observed, ACTIONS[case.action])
    venv.image_paths = frozenset(case.images)  # type: ignore[attr-defined]
    if case.encoder is not None:
        venv = EncoderVecWrapper(venv, case.encoder)
    venv.observation_space = stacked_space(venv.observation_space, case.num_stack)
    if case.normalize:
        venv = StateNormalizer(venv, () if case.encoder is not None else case.images, training=False)
        statistics = getattr(venv, "obs_rms", {}) if venv.norm_obs else {}
        for each in statistics.values() if isinstance(statistics, dict) else [statistics]:
            each.mean, each.var = rng.normal(20, 5, each.mean.shape), rng.uniform(1e-4, 2, each.mean.shape)
            each.count = 1000.0
    venv = as_sb3(venv)
    algorithm = find_algo(case.algo).load_class(case.policy)
    torch.manual_seed(0)
    hyperparams = {"n_envs": 1, "normalize": case.normalize, **case.hyperparams}
    model = algorithm.make_model(venv, hyperparams, seed=7, device="cpu", training=False)
    if hasattr(model, "get_search_state"):
        model.policy.load_from_vector(rng.normal(size=model._weights().shape).astype(np.float32))
    for parameter in model.policy.parameters():
        parameter.data.add_(torch.randn(parameter.shape) * 0.05)
    normaliser = getattr(model.policy, "pi_normaliser", None)
    if hasattr(normaliser, "update"):
        normaliser.update(torch.from_numpy(rng.normal(1, 2, (500, len(normaliser.mean)))))
    observation_space, action_space = described_spaces(model.env)
    seen = "learned" if case.encoder is not None else "raw_pixels" if case.images else "ground_truth"
    info = CheckpointInfo(
        case.algo,
        case.policy,
        "Tiny",
        {},
        seen,
        case.num_stack,
        1,
        7,
        hyperparams,
        100,
        observation_space,
        action_space,
        {},
    )
    save_checkpoint(path, model, info)
    return load_checkpoint(path)

"""A policy that walks, within seconds: it imitates the world's scripted gait, whose phase its own last actions tell."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from environments.registry import find_env
from rl_baselines.checkpoints.archive import Checkpoint, load_checkpoint, save_checkpoint
from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.registry import find_algo
from rl_baselines.vec_envs.create import create_envs, find_normalize
from srl3.spaces import describe

ROBOTS, STEPS, UPDATES, BATCH = 96, 160, 350, 1024
HYPERPARAMS = {"n_envs": 1, "normalize": True, "policy_kwargs": {"net_arch": [96, 64]}}


def make_world(env_id: str, count: int, **kwargs: Any) -> Any:
    """``count`` robots as arrays."""
    entry = find_env(env_id)
    world = entry.load_class().world_class(entry.load_config().from_kwargs(kwargs), count)  # type: ignore[attr-defined]
    world.seed(list(range(count)))
    world.reset()
    return world


def imitating(env_id: str, path: Path, **kwargs: Any) -> Checkpoint:
    """The checkpoint of a ppo2 policy that imitates the scripted one of ``env_id``."""
    world, gait = make_world(env_id, ROBOTS, **kwargs), find_env(env_id).load_oracle()
    assert gait is not None
    seen, done = [], []
    for _ in range(STEPS):
        action = torch.from_numpy(gait(world))
        seen.append(world.observe().numpy().copy())
        done.append(action)
        world.step(action)
    observed, wanted = np.concatenate(seen), torch.cat(done)
    env_kwargs = find_env(env_id).load_config().from_kwargs(kwargs).as_dict()
    venv = create_envs(env_id, env_kwargs, n_envs=1, seed=0, normalize=True)
    try:
        model = find_algo("ppo2").load_class().make_model(venv, HYPERPARAMS, seed=0, device="cpu", training=False)
        normalize = find_normalize(venv)
        assert normalize is not None
        normalize.obs_rms.mean, normalize.obs_rms.var = observed.mean(0, float), observed.var(0, dtype=float) + 1e-4
        normalize.obs_rms.count = float(len(observed))
        inputs = torch.from_numpy(normalize.normalize_obs(observed))
        _fit(model.policy, inputs, wanted)
        info = CheckpointInfo(
            "ppo2",
            "feedforward",
            env_id,
            env_kwargs,
            env_kwargs["srl_model"],
            1,
            1,
            0,
            HYPERPARAMS,
            len(observed),
            describe(venv.observation_space),
            describe(venv.action_space),
            {},
        )
        save_checkpoint(path, model, info)
    finally:
        venv.close()
    return load_checkpoint(path)


def _fit(policy: Any, inputs: torch.Tensor, wanted: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(policy.parameters(), 3e-3)
    for _ in range(UPDATES):
        rows = torch.randint(len(inputs), (BATCH,), generator=generator)
        loss = (policy.get_distribution(inputs[rows]).distribution.mean - wanted[rows]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

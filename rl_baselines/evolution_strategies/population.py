"""Plays whole episodes with many parameter vectors of one policy, as evolution strategies need them."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import BasePolicy
from torch.utils._pytree import tree_map


@dataclass(frozen=True)
class Evaluation:
    """What each candidate earned, summed over its episodes."""

    returns: np.ndarray
    """``(n_candidates,) float64``: rewards of every step, the terminal one included"""
    lengths: np.ndarray
    """``(n_candidates,) int64``: steps"""


def evaluate_population(
    model: BaseAlgorithm,
    policy: BasePolicy,
    candidates: torch.Tensor,
    callback: BaseCallback,
    n_eval_episodes: int = 1,
) -> Evaluation | None:
    """Let every candidate play, as many at a time as there are environments; one that is done makes room for the next.

    Every step of every environment counts as a timestep, also where no candidate is left to play (there the
    previous one goes on, uncounted, until the others are done; its episode is cut off by the next reset).

    Args:
        model: whose environments, timesteps and episode statistics are used.
        policy: acts; its parameters are overwritten.
        candidates: ``(n_candidates, n_params)`` parameter vectors.
        callback: its ``on_step`` is called after each step of the environments.
        n_eval_episodes: episodes for each candidate.

    Returns:
        None when the callback asked to stop.
    """
    env = model.env
    assert env is not None
    if model._last_obs is None or model._last_episode_starts is None or not model._last_episode_starts.all():
        model._last_obs = env.reset()  # type: ignore[assignment]
        model._last_episode_starts = np.ones(env.num_envs, dtype=bool)
    waiting = deque(candidate for candidate in range(len(candidates)) for _ in range(n_eval_episodes))
    players = [waiting.popleft() if waiting else 0 for _ in range(env.num_envs)]
    counted = np.arange(env.num_envs) < len(candidates) * n_eval_episodes
    returns, lengths = np.zeros(len(candidates)), np.zeros(len(candidates), dtype=np.int64)
    while counted.any():
        assert model._last_obs is not None
        actions = _act(policy, candidates, players, model._last_obs)
        model._last_obs, rewards, dones, infos = env.step(actions)  # type: ignore[assignment]
        model._last_episode_starts = dones
        model.num_timesteps += env.num_envs
        model._update_info_buffer(infos, dones)
        for index in np.flatnonzero(counted):
            returns[players[index]] += rewards[index]
            lengths[players[index]] += 1
            if dones[index]:
                if waiting:
                    players[index] = waiting.popleft()
                else:
                    counted[index] = False
        callback.update_locals(locals())
        if not callback.on_step():
            return None
    return Evaluation(returns, lengths)


def _act(
    policy: BasePolicy,
    candidates: torch.Tensor,
    players: list[int],
    observations: np.ndarray | dict[str, np.ndarray],
) -> np.ndarray:
    """Actions of one candidate for each environment's observation: ``(n_envs, *action_shape)``."""
    if len(players) == 1:
        policy.load_from_vector(candidates[players[0]].cpu().numpy())
        return policy.predict(observations, deterministic=True)[0]
    stacked, start = {}, 0
    vectors = candidates[players]
    for name, parameter in policy.named_parameters():
        stop = start + parameter.numel()
        stacked[name] = vectors[:, start:stop].reshape(len(players), *parameter.shape)
        start = stop

    def act(parameters: dict[str, torch.Tensor], observation: Any) -> torch.Tensor:
        one = tree_map(lambda leaf: leaf.unsqueeze(0), observation)
        return torch.func.functional_call(policy, parameters, (one,)).squeeze(0)

    with torch.no_grad():
        tensor, _ = policy.obs_to_tensor(observations)
        actions = torch.func.vmap(act)(stacked, tensor).cpu().numpy()
    if not isinstance(policy.action_space, spaces.Box):
        return actions
    if policy.squash_output:
        return policy.unscale_action(actions)
    return np.clip(actions, policy.action_space.low, policy.action_space.high)

"""What a policy in training is worth: its mean return on an environment apart from the training's."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import (
    VecEnv,
    VecTransposeImage,
    is_vecenv_wrapped,
    sync_envs_normalization,
)

from environments.registry import ThreadingType, find_env
from rl_baselines.search.plan import SearchPlan
from rl_baselines.search.stop import SearchStopped, Stop
from rl_baselines.training.session import EVAL_SEED_OFFSET
from rl_baselines.vec_envs.create import create_envs, find_normalize
from srl3.runtime.seeding import seed_everything

MAX_ENVS = 256
"""of a batched world, playing the episodes of an evaluation at once"""


class Evaluator:
    """Evaluates models on environments that it keeps from trial to trial.

    Args:
        plan: the search.
        stop: looked at in every step.
    """

    def __init__(self, plan: SearchPlan, stop: Stop) -> None:
        self.plan = plan
        self.stop = stop
        self.seed = plan.training.seed + EVAL_SEED_OFFSET
        self._envs: dict[bool, VecEnv] = {}

    def mean_return(self, model: BaseAlgorithm) -> float:
        """Mean return over the search's evaluation episodes, the same ones every time.

        Acts as `enjoy` does: on-policy algorithms draw their actions, the others take the best one. The training's
        randomness is left as it was.

        Raises:
            SearchStopped: when the search was asked to end.
        """
        env = self._env(model)
        assert model.env is not None
        sync_envs_normalization(model.env, env)

        def look(_local: dict[str, Any], _globals: dict[str, Any]) -> None:
            if self.stop.requested:
                raise SearchStopped

        with _own_randomness(self.seed):
            env.seed(self.seed)
            mean, _ = evaluate_policy(
                model,
                env,
                n_eval_episodes=self.plan.n_eval_episodes,
                deterministic=not self.plan.algo_class.on_policy,
                callback=look,
                warn=False,
            )
        return float(mean)  # type: ignore[arg-type]

    def close(self) -> None:
        """Close the environments."""
        for venv in self._envs.values():
            venv.close()
        self._envs.clear()

    def _env(self, model: BaseAlgorithm) -> VecEnv:
        assert model.env is not None
        normalize = find_normalize(model.env) is not None
        if normalize not in self._envs:
            plan = self.plan.training
            batched = find_env(plan.env_id).threading is ThreadingType.BATCHED
            venv = create_envs(
                plan.env_id,
                plan.env_kwargs,
                n_envs=min(self.plan.n_eval_episodes, MAX_ENVS) if batched else 1,
                num_stack=plan.num_stack,
                encoder=plan.encoder,
                normalize=normalize,
                training=False,
            )
            if is_vecenv_wrapped(model.env, VecTransposeImage):
                venv = VecTransposeImage(venv)
            self._envs[normalize] = venv
        return self._envs[normalize]


@contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """In the block Python, NumPy and torch are seeded with ``seed``; afterwards they go on where they were."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        seed_everything(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)

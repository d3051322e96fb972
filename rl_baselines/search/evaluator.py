"""What a policy in training is worth: its mean return on an environment apart from the training's."""

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from rl_baselines.acting.actor import Actor
from rl_baselines.acting.curricula import stay_at
from rl_baselines.acting.evaluation import evaluate, number_of_envs
from rl_baselines.search.plan import SearchPlan
from rl_baselines.search.stop import SearchStopped, Stop
from rl_baselines.training.session import EVAL_SEED_OFFSET
from rl_baselines.vec_envs.create import create_envs
from rl_baselines.vec_envs.wrappers.named import Wrappers


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
        self._venv: VecEnv | None = None

    def mean_return(self, model: BaseAlgorithm) -> float:
        """Mean return over the search's evaluation episodes, the same ones every time.

        Acts as `enjoy` does: on-policy algorithms draw their actions, the others take the best one. The training's
        randomness is left as it was.

        Raises:
            SearchStopped: when the search was asked to end.
        """
        venv = self._worlds()
        actor = Actor.of_model(model, deterministic=not self.plan.algo_class.on_policy)
        actor.seed(self.seed)
        venv.seed(self.seed)
        stay_at(venv, model.num_timesteps // model.n_envs)
        return float(np.mean(evaluate(actor, venv, self.plan.n_eval_episodes, on_step=self._look_at_stop).returns))

    def close(self) -> None:
        """Close the environments."""
        if self._venv is not None:
            self._venv.close()
            self._venv = None

    def _worlds(self) -> VecEnv:
        """The bare worlds; what a trial makes of their observations is its model's own."""
        if self._venv is None:
            plan = self.plan.training
            n_envs = number_of_envs(plan.env_id, self.plan.n_eval_episodes)
            self._venv = create_envs(
                plan.env_id,
                plan.env_kwargs,
                n_envs=n_envs,
                normalize=False,
                raw_images=True,
                training=False,
                wrappers=Wrappers.of(plan.hyperparams),
            )
        return self._venv

    def _look_at_stop(self, _venv: VecEnv) -> None:
        if self.stop.requested:
            raise SearchStopped

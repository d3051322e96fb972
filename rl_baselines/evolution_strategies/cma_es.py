"""CMA-ES (Hansen 2016, arXiv:1604.00772) over the weights of a torch policy, by the ``cma`` package."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

import cma
import numpy as np
import torch
from cma.sigma_adaptation import CMAAdaptSigmaCSA
from gymnasium import spaces
from sb3_contrib.ars.policies import ARSPolicy
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, CombinedExtractor
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback
from torch import nn

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.evolution_strategies.population import evaluate_population
from rl_baselines.evolution_strategies.search_state import capture, restore
from rl_baselines.hyperparams.action_types import ActionType
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat
from rl_baselines.rl_algorithm.rollout_logs import dump_rollout_logs

FULL_COVARIANCE_LIMIT = 2000
"""Parameters up to which the whole covariance matrix is learned; beyond it, its diagonal (Ros and Hansen 2008)."""


class SmallCNN(BaseFeaturesExtractor):
    """Convolutions of 8, 16 and 32 channels: pixels of 36x36 or more to a vector, with few weights to search."""

    def __init__(self, observation_space: spaces.Box) -> None:
        super().__init__(observation_space, features_dim=1)
        self.layers = nn.Sequential(
            nn.Conv2d(observation_space.shape[0], 8, kernel_size=8, stride=4),
            nn.ReLU(),
            nn.Conv2d(8, 16, kernel_size=4, stride=2),
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=3, stride=2),
            nn.ReLU(),
            nn.Flatten(),
        )
        with torch.no_grad():
            self._features_dim = self.layers(torch.zeros(1, *observation_space.shape)).shape[1]

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return self.layers(observations)


class SearchPolicy(ARSPolicy):
    """A deterministic policy to search over: hidden layers ``[100]`` for states, `SmallCNN` and none for pixels."""

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        net_arch: list[int] | None = None,
        activation_fn: type[nn.Module] = nn.ReLU,
    ) -> None:
        if net_arch is None:
            net_arch = [] if is_image_space(observation_space) else [100]
        super().__init__(observation_space, action_space, net_arch, activation_fn)

    def make_features_extractor(self) -> BaseFeaturesExtractor:
        if is_image_space(self.observation_space):
            assert isinstance(self.observation_space, spaces.Box)
            return SmallCNN(self.observation_space)
        if isinstance(self.observation_space, spaces.Dict):
            return CombinedExtractor(self.observation_space)
        return super().make_features_extractor()


class CMAES(BaseAlgorithm):
    """CMA-ES in the style of Stable-Baselines3. The policy that it keeps is the mean of the search distribution.

    Args:
        policy: ``MlpPolicy``, also for pixels.
        env: a `VecEnv`; candidates play in all of its environments at once.
        population_size: candidates in each generation, at least 4.
        mu: initial value of every weight.
        sigma: initial standard deviation of every weight.
        n_eval_episodes: episodes that each candidate plays.
        policy_kwargs: of `SearchPolicy`.
        stats_window_size: episodes over which the logged return is averaged.
        tensorboard_log: folder of TensorBoard's files.
        verbose: 1 prints the logged figures.
        seed: of the search and of the environment.
        device: of the policy; the CPU suits single observations best.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": SearchPolicy,
        "MultiInputPolicy": SearchPolicy,
    }

    def __init__(
        self,
        policy: str | type[BasePolicy],
        env: GymEnv | str | None,
        population_size: int = 20,
        mu: float = 0.0,
        sigma: float = 0.14,
        n_eval_episodes: int = 1,
        policy_kwargs: dict[str, Any] | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "cpu",
        _init_setup_model: bool = True,
    ) -> None:
        super().__init__(
            policy,
            env,
            learning_rate=0.0,
            policy_kwargs=policy_kwargs,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            support_multi_env=True,
            seed=seed,
            supported_action_spaces=(spaces.Box, spaces.Discrete),
        )
        self.population_size = population_size
        self.mu = mu
        self.sigma = sigma
        self.n_eval_episodes = n_eval_episodes
        self._search: cma.CMAEvolutionStrategy | None = None
        if _init_setup_model:
            self._setup_model()

    def _setup_model(self) -> None:
        self._setup_lr_schedule()
        self.set_random_seed(self.seed)
        self._rng = np.random.default_rng(self.seed)
        self._rng_at_generation = self._rng.bit_generator.state
        self.policy = self.policy_class(self.observation_space, self.action_space, **self.policy_kwargs)
        self.policy.load_from_vector(np.full(self._weights().shape, self.mu, dtype=np.float32))
        self.policy = self.policy.to(self.device)

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int | None = 1,
        tb_log_name: str = "CMAES",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> "CMAES":
        """Search until the generation in which ``total_timesteps`` are over; ``log_interval`` counts generations."""
        total_timesteps, callback = self._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        if self._search is None:
            self._search = self._new_search()
        callback.on_training_start(locals(), globals())
        while self.num_timesteps < total_timesteps and self._do_generation(self._search, callback):
            self._update_current_progress_remaining(self.num_timesteps, total_timesteps)
            if log_interval is not None and self._n_updates % log_interval == 0:
                dump_rollout_logs(self)
        callback.on_training_end()
        return self

    def _do_generation(self, search: "cma.CMAEvolutionStrategy", callback: BaseCallback) -> bool:
        """Draw, play and rank one population; False when the callback asked to stop."""
        callback.on_rollout_start()
        self._rng_at_generation = self._rng.bit_generator.state
        candidates = search.ask()
        vectors = torch.as_tensor(np.stack(candidates), dtype=torch.float32, device=self.device)
        policy = copy.deepcopy(self.policy)
        evaluation = evaluate_population(self, policy, vectors, callback, self.n_eval_episodes)
        if evaluation is None:
            return False
        callback.on_rollout_end()
        returns = evaluation.returns / self.n_eval_episodes
        search.tell(candidates, list(-returns))
        self.policy.load_from_vector(search.mean.astype(np.float32))
        self._rng_at_generation = self._rng.bit_generator.state
        self._n_updates += 1
        self.logger.record("rollout/return_mean", float(returns.mean()))
        self.logger.record("rollout/return_max", float(returns.max()))
        self.logger.record("train/sigma", float(search.sigma))
        self.logger.record("train/generations", self._n_updates, exclude="tensorboard")
        return True

    def _new_search(self) -> "cma.CMAEvolutionStrategy":
        start = self._weights().astype(np.float64)
        options = {
            "AdaptSigma": CMAAdaptSigmaCSA,  # the tutorial's; the package's own for many weights replays the last step
            "popsize": self.population_size,
            "CMA_diagonal": len(start) > FULL_COVARIANCE_LIMIT,
            "randn": lambda *shape: self._rng.standard_normal(shape),
            "seed": np.nan,
            "verbose": -9,
            "verb_log": 0,
        }
        return cma.CMAEvolutionStrategy(start, self.sigma, options)

    def _weights(self) -> np.ndarray:
        return self.policy.parameters_to_vector()

    def get_search_state(self) -> dict[str, Any]:
        """Everything that the search needs to go on, as numbers, lists and arrays; of the generation's start."""
        search = self._new_search() if self._search is None else self._search
        return {"rng": copy.deepcopy(self._rng_at_generation), "search": capture(search)}

    def set_search_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_search_state` gave."""
        self._search = self._new_search()
        restore(self._search, state["search"])
        self._rng.bit_generator.state = state["rng"]
        self._rng_at_generation = self._rng.bit_generator.state

    def set_parameters(self, *args: Any, **kwargs: Any) -> None:
        """As in the base class; a search then begins anew around these weights."""
        super().set_parameters(*args, **kwargs)
        self._search = None

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_search", "_rng", "_rng_at_generation"]


class CMAESModel(StableBaselinesRLObject):
    """Evolution of a policy's weights from whole episodes' returns; both kinds of action."""

    preset = "cma-es"
    actions = (ActionType.DISCRETE, ActionType.CONTINUOUS)
    image_policy = "MlpPolicy"
    search_space = {
        "sigma": LogFloat(0.01, 1.0),
        "population_size": Choice((10, 20, 40, 80)),
    }

    @classmethod
    def model_class(cls) -> type[CMAES]:
        return CMAES

    @classmethod
    def default_device(cls) -> str:
        return "cpu"

    @classmethod
    def save_state(cls, model: BaseAlgorithm) -> dict[str, Any]:
        assert isinstance(model, CMAES)
        return {**super().save_state(model), "search": model.get_search_state()}

    @classmethod
    def load_state(cls, model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
        assert isinstance(model, CMAES)
        super().load_state(model, state)
        model.set_search_state(state["search"])
